# Sourced by the other scripts: brings a checkout into a state that runs, and says what it does.
# What is there and newer than its sources is left alone, so that a second start costs milliseconds.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export PATH="$PWD/node_modules/.bin:$PATH"
# The supervisor is looked for in native/target.
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET

# The oldest Rust 1.x that knows the crate's edition, 2024.
readonly RUST_MINOR=85
readonly NATIVE_STAMP=native/target/.built

say() { printf 'atoll: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

packages_are_fresh() {
  [ -e node_modules/.package-lock.json ] && ! [ package-lock.json -nt node_modules/.package-lock.json ] && [ -x node_modules/.bin/node ]
}

setup_packages() {
  packages_are_fresh && return
  say 'installing the npm packages, Node itself among them (npm ci)'
  # Engine warnings would be about the system's Node, which only runs npm.
  npm ci --loglevel=error >&2 || die 'npm ci failed'
  # npm keeps the modification time of an unchanged file.
  touch node_modules/.package-lock.json
  [ -x node_modules/.bin/node ] || die "there is no Node package for $(uname -sm): Atoll runs on Linux, x86_64 and aarch64"
}

rust_works() {
  local version
  version=$("$1/rustc" --version 2>/dev/null) && "$1/cargo" --version >/dev/null 2>&1 || return 1
  [[ $version =~ ^rustc\ ([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] > 1 || BASH_REMATCH[2] >= RUST_MINOR))
}

# Puts a Rust that works before all others in PATH: an old one, or a rustup that lost its home, may come first.
# The Node of the packages stays before it: a system's Rust may live in one folder with a system's Node.
find_rust() {
  local cargo folder
  while read -r cargo; do
    folder=$(dirname "$cargo")
    rust_works "$folder" && export PATH="$PWD/node_modules/.bin:$folder:$PATH" && return
  done < <(type -aP cargo; printf '%s\n' "${HOME:-/root}/.cargo/bin/cargo" /usr/bin/cargo)
  return 1
}

# Debian names of what the build wants and this machine lacks.
missing_tools() {
  find_rust || echo rust
  command -v cc >/dev/null || echo gcc
  [ -e /usr/include/stdio.h ] || echo libc6-dev
  [ -e /usr/include/bash/shell.h ] || echo bash-builtins
}

# Debian 12's plain rustc is too old, its rustc-web is not; newer releases have no rustc-web.
debian_rust() {
  if apt-cache show rustc-web >/dev/null 2>&1; then
    echo rustc-web cargo-web rustfmt-web rust-web-clippy
  else
    echo rustc cargo rustfmt rust-clippy
  fi
}

install_tools() {
  local wanted=" $* "
  if ! command -v apt-get >/dev/null; then
    die "missing to build the supervisor:$wanted- install Rust 1.$RUST_MINOR or newer (https://rustup.rs), a C compiler and bash's headers with your package manager"
  fi
  [ "$(id -u)" = 0 ] && { apt-get update -qq >&2 || die 'apt-get update failed'; }
  wanted=${wanted/ rust / $(debian_rust) }
  [ "$(id -u)" = 0 ] || die "missing to build the supervisor; run: sudo apt-get install$wanted"
  say "installing what builds the supervisor: apt-get install$wanted"
  # shellcheck disable=SC2086 -- a list of names
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null || die 'apt-get install failed'
}

# Leaves a working cargo in PATH.
setup_tools() {
  local missing
  missing=$(missing_tools | tr '\n' ' ')
  # shellcheck disable=SC2086 -- a list of names
  [ -z "$missing" ] || install_tools $missing
  find_rust || die "no Rust 1.$RUST_MINOR or newer works here"
}

native_is_fresh() {
  local binaries=(native/target/*/release/atoll-box)
  [ -x "${binaries[0]}" ] && [ -e "$NATIVE_STAMP" ] &&
    [ -z "$(find native/Cargo.toml native/Cargo.lock native/build.rs native/.cargo native/src native/shell -newer "$NATIVE_STAMP" -print -quit 2>/dev/null)" ]
}

setup_native() {
  native_is_fresh && return
  setup_tools
  say 'building the supervisor (cargo build --release)'
  mkdir -p native/target
  # Made before the build: what is edited meanwhile is newer.
  touch "$NATIVE_STAMP.new"
  (cd native && cargo build --release --locked --quiet >&2) || die 'the supervisor does not build'
  mv "$NATIVE_STAMP.new" "$NATIVE_STAMP"
}

# One at a time: two starts in one checkout must not install over each other.
setup() {
  packages_are_fresh && native_is_fresh && return
  exec 9<scripts/setup.sh
  flock 9
  setup_packages
  setup_native
  exec 9<&-
}
