#!/usr/bin/env bash
# Remakes requirements/*.txt from pyproject.toml. For maintainers, on a connected machine: installers/lock.sh [--upgrade]
#
# The locks are universal (Python 3.11 and later, any platform): what only some Pythons need carries its marker, so one
# made on 3.11.7 still installs on Debian 12's 3.11.2. They name no registry; the machine that installs chooses its own.
# runtime.txt is a whole box, llm.txt adds the language model engine, whatsapp.txt WhatsApp by QR,
# speech.txt the engine that writes down speech; ansible.txt is what installers/install.sh runs, in an environment of its own;
# test.txt is all of it with the tests' tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if ! command -v uv >"$scratch/uv" ; then
  "${SALESEDGE_PYTHON:-python3}" -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet uv
  PATH="$scratch/venv/bin:$PATH"
fi

compile() {
  local out=$1
  shift
  uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate "${upgrade[@]}" --output-file "requirements/$out" "$@"
}

upgrade=()
[ "${1:-}" = --upgrade ] && upgrade=(--upgrade)
mkdir -p requirements

# the editable install of the package itself needs its build backend; locked too, so that nothing unpinned is ever run
sed -n '/^\[build-system\]/,/^\[project\]/s/^requires = \[\(.*\)\]/\1/p' pyproject.toml | tr ',' '\n' | tr -d '" ' >"$scratch/build.in"
compile runtime.txt pyproject.toml "$scratch/build.in"

constraints=(--constraints requirements/runtime.txt)
extras=()
for extra in llm whatsapp speech; do
  sed -n '/^\[project.optional-dependencies\]/,/^\[dep/s/^'$extra' = \[\(.*\)\]/\1/p' pyproject.toml | tr ',' '\n' | tr -d '" ' >"$scratch/$extra.in"
  compile "$extra.txt" "$scratch/$extra.in" "${constraints[@]}"
  constraints+=(--constraints "requirements/$extra.txt")
  extras+=(--extra "$extra")
done

compile ansible.txt --group ansible "${constraints[@]}"
compile test.txt pyproject.toml "$scratch/build.in" "${extras[@]}" --group test "${constraints[@]}" --constraints requirements/ansible.txt
wc -l requirements/*.txt
