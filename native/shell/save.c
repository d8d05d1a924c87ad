/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writes the shell's state into the snapshot, by walking bash's own tables.
 *
 * The printed text of a function lies where bash keeps it for exported ones: in `exportstr`, which bash drops
 * whenever the function is defined anew. So it is printed once, and never stale.
 */
#include "bash.h"
#include "session.h"
#include "state.h"

#include <sys/mman.h>
#include <sys/stat.h>

extern int num_posix_options(void);

/* A slot that shrinks by more than this gives its memory back. */
#define KEEP_BYTES (1u << 20)

static char *memory;
static size_t option_count;
static size_t slot_bytes[2];
static int stale;

static char *at, *end; /* of the slot that is being written; `at` is NULL once it did not fit */

char *state_memory(void) { return memory; }

size_t state_option_count(void) { return option_count; }

int state_is_stale(void) { return stale; }

int state_map(int fd) {
  void *mapped = mmap(NULL, ATOLL_SNAPSHOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  plain_close(fd);
  if (mapped == MAP_FAILED || madvise(mapped, ATOLL_SNAPSHOT_BYTES, MADV_DONTFORK) < 0) return -1;
  memory = mapped;
  char **names = get_minus_o_opts();
  option_count = (size_t)strvec_len(names) + (size_t)num_posix_options();
  free(names);
  return 0;
}

static void put_bytes(struct state_record record, const char *name, const char *value) {
  uint64_t bytes = state_record_bytes(&record);
  if (at == NULL || bytes > (uint64_t)(end - at)) {
    at = NULL;
    return;
  }
  char *to = at;
  memcpy(to, &record, sizeof record);
  to += sizeof record;
  memcpy(to, name, record.name_bytes);
  to += record.name_bytes;
  *to++ = '\0';
  memcpy(to, value, record.value_bytes);
  to[record.value_bytes] = '\0';
  at += bytes;
}

static void put(enum state_kind kind, const char *name, const char *value, int64_t number, int attributes) {
  size_t name_bytes = strlen(name), value_bytes = strlen(value);
  if (name_bytes > STATE_SLOT_BYTES || value_bytes > STATE_SLOT_BYTES) {
    at = NULL;
    return;
  }
  struct state_record record = {.kind = kind,
                                .attributes = (uint32_t)attributes & STATE_ATTRIBUTES,
                                .number = number,
                                .name_bytes = (uint32_t)name_bytes,
                                .value_bytes = (uint32_t)value_bytes};
  put_bytes(record, name, value);
}

static void put_indexed(const SHELL_VAR *variable) {
  put(STATE_INDEXED, variable->name, "", 0, variable->attributes);
  ARRAY *array = array_cell(variable);
  if (array == NULL) return;
  for (ARRAY_ELEMENT *e = element_forw(array->head); e != array->head; e = element_forw(e))
    put(STATE_ELEMENT, "", element_value(e), element_index(e), 0);
}

static void put_assoc(const SHELL_VAR *variable) {
  put(STATE_ASSOC, variable->name, "", 0, variable->attributes);
  HASH_TABLE *table = assoc_cell(variable);
  for (int i = 0; table != NULL && i < table->nbuckets; i++)
    for (BUCKET_CONTENTS *item = hash_items(i, table); item != NULL; item = item->next)
      put(STATE_ELEMENT, item->key, (char *)item->data, 0, 0);
}

int state_is_bash_own(const SHELL_VAR *variable) {
  static const char *const constants[] = {"BASHOPTS", "SHELLOPTS", "BASH_VERSINFO", "EUID", "UID", "PPID"};
  if (variable->dynamic_value != NULL || variable->assign_func != NULL || noassign_p(variable)) return 1;
  if (!readonly_p(variable)) return 0;
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
    if (STREQ(variable->name, constants[i])) return 1;
  return 0;
}

static void put_variable(const SHELL_VAR *variable) {
  if (state_is_bash_own(variable)) return;
  if (array_p(variable))
    put_indexed(variable);
  else if (assoc_p(variable))
    put_assoc(variable);
  else if (value_cell(variable) != NULL)
    put(STATE_SCALAR, variable->name, value_cell(variable), 1, variable->attributes);
  else
    put(STATE_SCALAR, variable->name, "", 0, variable->attributes);
}

static void print_function(SHELL_VAR *function) {
  char *printed = named_function_string(NULL, function_cell(function), 0);
  size_t bytes = strlen(function->name) + strlen(printed) + sizeof "BASH_FUNC_%%=";
  function->exportstr = xmalloc(bytes);
  snprintf(function->exportstr, bytes, "BASH_FUNC_%s%%%%=%s", function->name, printed);
}

static void put_function(SHELL_VAR *function) {
  if (function_cell(function) == NULL) return;
  if (function->exportstr == NULL) print_function(function);
  const char *printed = function->exportstr + strlen("BASH_FUNC_%%=") + strlen(function->name);
  put(STATE_FUNCTION, function->name, printed, 0, function->attributes);
}

static void put_tables(void) {
  HASH_TABLE *table = global_variables->table;
  for (int i = 0; i < table->nbuckets; i++)
    for (BUCKET_CONTENTS *item = hash_items(i, table); item != NULL; item = item->next)
      put_variable((SHELL_VAR *)item->data);
  put(STATE_SHOPTS, "", get_string_value("BASHOPTS"), 0, 0);
  for (int i = 0; shell_functions != NULL && i < shell_functions->nbuckets; i++)
    for (BUCKET_CONTENTS *item = hash_items(i, shell_functions); item != NULL; item = item->next)
      put_function((SHELL_VAR *)item->data);
  for (int i = 0; aliases != NULL && i < aliases->nbuckets; i++)
    for (BUCKET_CONTENTS *item = hash_items(i, aliases); item != NULL; item = item->next)
      put(STATE_ALIAS, item->key, ((alias_t *)item->data)->value, 0, 0);
}

static void put_arguments(void) {
  for (int i = 1; i < 10 && dollar_vars[i] != NULL; i++) put(STATE_ARGUMENT, "", dollar_vars[i], 0, 0);
  for (WORD_LIST *rest = rest_of_args; rest != NULL; rest = rest->next) put(STATE_ARGUMENT, "", rest->word->word, 0, 0);
}

static void put_options(void) {
  char *options = get_current_options();
  put_bytes((struct state_record){.kind = STATE_OPTIONS, .value_bytes = (uint32_t)option_count}, "", options);
  free(options);
}

static void put_everything(void) {
  mode_t mask = umask(022);
  umask(mask);
  const char *cwd = the_current_working_directory;
  put(STATE_CWD, "", cwd != NULL ? cwd : "", 0, 0);
  put(STATE_UMASK, "", "", (int64_t)mask, 0);
  put_tables();
  put_arguments();
  put_options();
  put(STATE_STATUS, "", "", last_command_exit_value, 0);
  put(STATE_END, "", "", 0, 0);
}

static void shrink(char *slot, size_t *had, size_t now) {
  size_t kept = (now + KEEP_BYTES) & ~(size_t)4095;
  if (*had > now + 2 * KEEP_BYTES) madvise(slot + kept, (*had - kept + 4095) & ~(size_t)4095, MADV_REMOVE);
  *had = now;
}

void state_save(void) {
  struct state_header *header = (struct state_header *)memory;
  uint32_t next = header->magic == STATE_MAGIC && header->active == 0 ? 1 : 0;
  char *slot = memory + STATE_HEADER_BYTES + next * STATE_SLOT_BYTES;
  at = slot;
  end = slot + STATE_SLOT_BYTES;
  put_everything();
  stale = at == NULL;
  shrink(slot, &slot_bytes[next], stale ? 0 : (size_t)(at - slot));
  if (stale) return;
  __atomic_store_n(&header->active, next, __ATOMIC_RELEASE);
  __atomic_store_n(&header->magic, STATE_MAGIC, __ATOMIC_RELEASE);
}
