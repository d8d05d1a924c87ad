/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Takes the state from the snapshot into a shell that has just started. Every record is checked before the first
 * is applied, so a snapshot that cannot be trusted changes nothing.
 */
#include "bash.h"
#include "session.h"
#include "state.h"

#include <sys/stat.h>

/* A record and its strings, each with its NUL; `next` is the one behind it. */
struct view {
  struct state_record record;
  char *name, *value;
  char *next;
};

static int read_record(char *at, char *end, struct view *view) {
  if ((size_t)(end - at) < sizeof view->record) return -1;
  memcpy(&view->record, at, sizeof view->record);
  uint64_t bytes = state_record_bytes(&view->record);
  if (bytes > (uint64_t)(end - at)) return -1;
  view->name = at + sizeof view->record;
  view->value = view->name + view->record.name_bytes + 1;
  view->next = at + bytes;
  if (view->name[view->record.name_bytes] != '\0' || view->value[view->record.value_bytes] != '\0') return -1;
  if (strlen(view->name) != view->record.name_bytes) return -1;
  return view->record.kind == STATE_OPTIONS || strlen(view->value) == view->record.value_bytes ? 0 : -1;
}

static int is_sound(const struct view *view, int in_array, size_t option_count) {
  switch (view->record.kind) {
    case STATE_SCALAR:
    case STATE_INDEXED:
    case STATE_ASSOC:
      return legal_identifier(view->name) != 0;
    case STATE_ELEMENT:
      return in_array && view->record.number >= 0;
    case STATE_FUNCTION:
      return view->record.name_bytes > 0 && STREQN(view->value, "() {", 4);
    case STATE_ALIAS:
      return view->record.name_bytes > 0;
    case STATE_OPTIONS:
      return view->record.value_bytes == option_count;
    default:
      return view->record.kind < STATE_KINDS;
  }
}

static int check(char *slot, char *end, size_t option_count) {
  struct view view = {.next = slot};
  int in_array = 0;
  do {
    if (read_record(view.next, end, &view) < 0 || !is_sound(&view, in_array, option_count)) return -1;
    enum state_kind kind = view.record.kind;
    in_array = kind == STATE_INDEXED || kind == STATE_ASSOC || (in_array && kind == STATE_ELEMENT);
  } while (view.record.kind != STATE_END);
  return 0;
}

/* What the new shell has from its start gives way, but for what bash itself keeps. */
static void clear_variables(void) {
  SHELL_VAR **all = all_shell_variables();
  for (int i = 0; all != NULL && all[i] != NULL; i++)
    if (!state_is_bash_own(all[i])) unbind_global_variable_noref(all[i]->name);
  free(all);
}

/* NULL where bash's own constant stands. */
static SHELL_VAR *fresh_variable(const struct view *view) {
  BUCKET_CONTENTS *found = hash_search(view->name, global_variables->table, 0);
  if (found != NULL && readonly_p((SHELL_VAR *)found->data)) return NULL;
  unbind_global_variable_noref(view->name);
  switch (view->record.kind) {
    case STATE_INDEXED:
      return make_new_array_variable(view->name);
    case STATE_ASSOC:
      return make_new_assoc_variable(view->name);
    default:
      return bind_global_variable(view->name, view->value, 0);
  }
}

static SHELL_VAR *apply_variable(const struct view *view) {
  SHELL_VAR *variable = fresh_variable(view);
  if (variable == NULL) return NULL;
  if (view->record.kind == STATE_SCALAR && view->record.number == 0) {
    FREE(value_cell(variable));
    var_setvalue(variable, NULL);
  }
  int kind = variable->attributes & (att_array | att_assoc);
  variable->attributes = kind | (int)(view->record.attributes & STATE_ATTRIBUTES & ~(att_array | att_assoc));
  /* POSIXLY_CORRECT is an option in a variable's clothes; the options follow. */
  if (!STREQ(view->name, "POSIXLY_CORRECT")) stupidly_hack_special_variables(view->name);
  return variable;
}

static void apply_element(SHELL_VAR *array, const struct view *view) {
  if (array == NULL) return;
  if (array_p(array))
    array_insert(array_cell(array), view->record.number, view->value);
  else
    assoc_insert(assoc_cell(array), savestring(view->name), view->value);
}

static int is_listed(const char *list, const char *name) {
  size_t length = strlen(name);
  for (const char *found = list; (found = strstr(found, name)) != NULL; found += length)
    if ((found == list || found[-1] == ':') && (found[length] == ':' || found[length] == '\0')) return 1;
  return 0;
}

static void apply_shopts(const char *wanted) {
  char **names = get_shopt_options();
  char *present = savestring(get_string_value("BASHOPTS"));
  for (int i = 0; names[i] != NULL; i++)
    if (is_listed(wanted, names[i]) != is_listed(present, names[i])) shopt_setopt(names[i], is_listed(wanted, names[i]));
  free(present);
  strvec_dispose(names);
}

static void apply_function(const struct view *view) {
  size_t bytes = view->record.name_bytes + view->record.value_bytes + sizeof "function  ";
  char *definition = xmalloc(bytes);
  snprintf(definition, bytes, "function %s %s", view->name, view->value);
  parse_and_execute(definition, view->name, SEVAL_NONINT | SEVAL_NOHIST | SEVAL_FUNCDEF | SEVAL_ONECMD);
  SHELL_VAR *function = find_function(view->name);
  if (function != NULL) VSETATTR(function, view->record.attributes & (att_exported | att_readonly | att_trace));
}

/* What is gathered over several records. */
struct gathered {
  SHELL_VAR *array;      /* that elements belong to */
  WORD_LIST *arguments;  /* last one first */
  char *cwd;
};

/* Last, since PWD is among the variables: a folder that is gone leaves the shell where init started it. */
static void apply_cwd(char *directory) {
  char *here = *directory != '\0' && chdir(directory) == 0 ? savestring(directory) : getcwd(NULL, 0);
  if (here == NULL) return;
  SHELL_VAR *pwd = find_variable("PWD");
  if (pwd != NULL && !STREQ(directory, here)) bind_variable_value(pwd, here, ASS_FORCE);
  set_working_directory(here);
  free(here);
}

static void apply_arguments(WORD_LIST *arguments) {
  arguments = REVERSE_LIST(arguments, WORD_LIST *);
  remember_args(arguments, 1);
  dispose_words(arguments);
}

/* A shell that was killed must not be killed again by the same option. */
static void apply_options(const struct view *view) {
  char **names = get_minus_o_opts();
  for (int i = 0; names[i] != NULL; i++)
    if (STREQ(names[i], "errexit") || STREQ(names[i], "noexec")) view->value[i] = 0;
  free(names);
  set_current_options(view->value);
  set_shellopts();
  set_bashopts();
}

static void apply_setting(const struct view *view, struct gathered *gathered) {
  switch (view->record.kind) {
    case STATE_CWD:
      gathered->cwd = view->value;
      return;
    case STATE_UMASK:
      umask((mode_t)view->record.number & 0777);
      return;
    case STATE_SHOPTS:
      return apply_shopts(view->value);
    case STATE_FUNCTION:
      return apply_function(view);
    case STATE_ALIAS:
      return add_alias(view->name, view->value);
    case STATE_ARGUMENT:
      gathered->arguments = make_word_list(make_bare_word(view->value), gathered->arguments);
      return;
    case STATE_OPTIONS:
      return apply_options(view);
    case STATE_STATUS:
      return set_exit_status((int)view->record.number & 255);
  }
}

static void apply(const struct view *view, struct gathered *gathered) {
  switch (view->record.kind) {
    case STATE_SCALAR:
    case STATE_INDEXED:
    case STATE_ASSOC:
      gathered->array = apply_variable(view);
      return;
    case STATE_ELEMENT:
      return apply_element(gathered->array, view);
    default:
      return apply_setting(view, gathered);
  }
}

int state_restore(void) {
  char *memory = state_memory();
  struct state_header *header = (struct state_header *)memory;
  if (header->magic != STATE_MAGIC || header->active > 1) return 0;
  char *slot = memory + STATE_HEADER_BYTES + header->active * STATE_SLOT_BYTES, *end = slot + STATE_SLOT_BYTES;
  if (check(slot, end, state_option_count()) < 0) return 0;
  clear_variables();
  struct gathered gathered = {.cwd = ""};
  for (struct view view = {.next = slot}; read_record(view.next, end, &view) == 0 && view.record.kind != STATE_END;)
    apply(&view, &gathered);
  apply_arguments(gathered.arguments);
  apply_cwd(gathered.cwd);
  array_needs_making = 1;
  return 1;
}
