/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A command's own env and cwd, lent to the living shell.
 *
 * A lent variable takes the place of the shell's own one in bash's table; the own one, with its attributes, array
 * or dynamic value, waits aside. Afterwards it comes back, unless the command gave the name another value or unset
 * it: then what the command did stays.
 */
#include "bash.h"
#include "session.h"

#include <fcntl.h>

struct lent {
  char *name, *value;
  SHELL_VAR *own; /* NULL: there was none */
  int attributes;
};

static struct lent *lents;
static size_t lent_count, lent_room;

static char *lent_cwd, *own_cwd;

static int complain(const char *what, const char *why) {
  fprintf(stderr, "%s: %s: %s\n", dollar_vars[0], what, why);
  return -1;
}

static SHELL_VAR *take_out(const char *name) {
  BUCKET_CONTENTS *bucket = hash_remove(name, global_variables->table, 0);
  if (bucket == NULL) return NULL;
  SHELL_VAR *variable = (SHELL_VAR *)bucket->data;
  free(bucket->key);
  free(bucket);
  return variable;
}

static void put_in(SHELL_VAR *variable) {
  hash_insert(savestring(variable->name), global_variables->table, HASH_NOSRCH)->data = variable;
}

/* bash keeps copies of some variables (PATH, IFS, LANG, ...) in another form. */
static void tell_bash(char *name) {
  array_needs_making = 1;
  stupidly_hack_special_variables(name);
}

static void lend_variable(const char *name, const char *value) {
  if (lent_count == lent_room) {
    lent_room = lent_room * 2 + 16;
    lents = xrealloc(lents, lent_room * sizeof *lents);
  }
  struct lent *lent = &lents[lent_count++];
  *lent = (struct lent){.name = savestring(name), .value = savestring(value), .own = take_out(name)};
  SHELL_VAR *variable = bind_global_variable(name, lent->value, 0);
  VSETATTR(variable, att_exported);
  lent->attributes = variable->attributes;
  tell_bash(lent->name);
}

static int is_unchanged(const struct lent *lent, SHELL_VAR *now) {
  return now->attributes == lent->attributes && value_cell(now) != NULL && STREQ(value_cell(now), lent->value);
}

static void return_variable(struct lent *lent) {
  SHELL_VAR *now = take_out(lent->name);
  if (now != NULL && is_unchanged(lent, now)) {
    dispose_variable(now);
    if (lent->own != NULL) put_in(lent->own);
    tell_bash(lent->name);
  } else {
    if (now != NULL) put_in(now);
    dispose_variable(lent->own);
  }
  free(lent->name);
  free(lent->value);
}

/* `text` is NAME=value; the name is cut off in place. */
static int lend_assignment(char *text) {
  char *value = strchr(text, '=');
  if (value == NULL) return complain(text, "not an assignment");
  *value++ = '\0';
  if (!legal_identifier(text)) return complain(text, "not a valid identifier");
  BUCKET_CONTENTS *found = hash_search(text, global_variables->table, 0);
  SHELL_VAR *own = found != NULL ? (SHELL_VAR *)found->data : NULL;
  if (own != NULL && (readonly_p(own) || noassign_p(own))) return complain(text, "readonly variable");
  lend_variable(text, value);
  return 0;
}

/* Where the shell is now, in the spelling that `pwd` shall show. */
static char *spelling_of(char *directory) {
  char *spelling = NULL;
  if (*directory == '/') spelling = sh_canonpath(directory, PATH_CHECKDOTDOT | PATH_CHECKEXISTS);
  if (spelling != NULL) return spelling;
  char *physical = getcwd(NULL, 0);
  return physical != NULL ? physical : savestring(directory);
}

static int lend_cwd(char *directory) {
  int home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (home >= 0 && guard_take(GUARD_HOME, home) < 0) plain_close(home);
  if (chdir(directory) < 0) return complain(directory, strerror(errno));
  own_cwd = the_current_working_directory != NULL ? savestring(the_current_working_directory) : NULL;
  lent_cwd = spelling_of(directory);
  set_working_directory(lent_cwd);
  lend_variable("PWD", lent_cwd);
  return 0;
}

static void return_cwd(void) {
  int unmoved = lent_cwd != NULL && the_current_working_directory != NULL &&
                STREQ(the_current_working_directory, lent_cwd);
  int back = unmoved && (fchdir(guard_fd(GUARD_HOME)) == 0 || (own_cwd != NULL && chdir(own_cwd) == 0));
  if (back && own_cwd != NULL) set_working_directory(own_cwd);
  guard_close(GUARD_HOME);
  FREE(lent_cwd);
  FREE(own_cwd);
  lent_cwd = own_cwd = NULL;
}

int loan_begin(const struct request *request) {
  for (size_t at = 0; at < request->env_bytes;) {
    char *assignment = request->env + at;
    at += strlen(assignment) + 1;
    if (lend_assignment(assignment) < 0) return -1;
  }
  return request->cwd != NULL ? lend_cwd(request->cwd) : 0;
}

void loan_end(void) {
  while (lent_count > 0) return_variable(&lents[--lent_count]);
  return_cwd();
}
