#!/usr/bin/env bash
# Sets up everything the tests need, then runs all checks. Arguments go to pytest: installers/test.sh tests/core -k outbox
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
steps_total=6
cd "$source_dir"
venv=$source_dir/.venv
log=$source_dir/.salesedge-setup.log

[ -n "${HOME:-}" ] && [ -w "$HOME" ] || { HOME=$(mktemp -d); export HOME; }
# the tests make boxes of their own; settings of a real one on this machine must not reach them
for name in "${!SALESEDGE_@}"; do
  case $name in SALESEDGE_PYTHON | SALESEDGE_EVAL_DATA) ;; *) unset "$name" ;; esac
done
unset PYTHONDONTWRITEBYTECODE # each of the many processes that the tests start would compile the product anew

one_at_a_time "$source_dir"
: >"$log"
find_python
step "Python %s at %s" "$version" "$python"
if ! is_current "$venv" test.txt; then
  need_space "$source_dir" 1500
  [ -e /etc/ssl/certs/ca-certificates.crt ] || install_packages ca-certificates || note "ca-certificates is not installed; going on without it"
  make_venv "$venv"
  install_locked "$venv" test.txt || explain_pip "$venv"
  install_product "$venv" || fail "SalesEdge could not be installed into $venv." "$(tail -n 3 "$log")" "The whole log: $log"
  mark_current "$venv" test.txt
fi

step "PostgreSQL, Redis, Chromium, Tesseract, Dovecot, curl"
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null 2>&1; }
has_redis() { command -v redis-server >/dev/null 2>&1; }
has_headless() { command -v chromium-headless-shell >/dev/null 2>&1; } # the same browser for half the processor
has_chromium() { command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1; }
has_gomp() { "$venv/bin/python" -c 'import xllamacpp' >>"$log" 2>&1; }
has_dovecot() { command -v dovecot >/dev/null 2>&1 || [ -x /usr/sbin/dovecot ]; }
has_promtool() { command -v promtool >/dev/null 2>&1; } # checks metrics, dashboards and alerts
has_restic() { command -v restic >/dev/null 2>&1; }
has_sshd() { command -v sshd >/dev/null 2>&1 || [ -x /usr/sbin/sshd ]; }     # a target of backups
has_swift() { command -v swift-proxy-server >/dev/null 2>&1 && command -v swift-object-server >/dev/null 2>&1; } # another: speaks S3
has_nfs() { command -v ganesha.nfsd >/dev/null 2>&1 && compgen -G '/usr/lib/*/libnfs.so.*' >/dev/null && # and a third
  /usr/bin/python3 -c 'import fusepy' >/dev/null 2>&1; }
has_example_tools() { command -v curl >/dev/null 2>&1 && command -v openssl >/dev/null 2>&1; } # the pages show examples with them
has_systemd() { command -v systemd-analyze >/dev/null 2>&1; } # judges the units
has_debootstrap() { command -v debootstrap >/dev/null 2>&1 || [ -x /usr/sbin/debootstrap ]; } # makes the bare root of the installation
has_ip() { command -v ip >/dev/null 2>&1 || [ -x /usr/sbin/ip ]; } # several machines on one are network namespaces
has_caddy() { command -v caddy >/dev/null 2>&1; } # the proxy, with each kind of certificate
has_nft() { command -v nft >/dev/null 2>&1 || [ -x /usr/sbin/nft ]; } # the firewall is loaded into such a machine
has_faketime() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null; } # a clock that jumps under a running box
has_tesseract() { command -v tesseract >/dev/null 2>&1 && tesseract --list-langs 2>/dev/null | grep -qx por; }
wanted=()
has_postgres || wanted+=(postgresql)
has_redis || wanted+=(redis-server)
has_headless || has_chromium || wanted+=(chromium-headless-shell)
has_gomp || wanted+=(libgomp1)
has_dovecot || wanted+=(dovecot-imapd)
has_promtool || wanted+=(prometheus)
has_restic || wanted+=(restic)
has_sshd || wanted+=(openssh-server)
has_swift || wanted+=(swift-proxy swift-account swift-container swift-object)
has_nfs || wanted+=(nfs-ganesha-vfs libnfs-utils python3-fusepy)
has_example_tools || wanted+=(curl openssl)
has_systemd || wanted+=(systemd)
has_debootstrap || wanted+=(debootstrap)
has_ip || wanted+=(iproute2)
has_nft || wanted+=(nftables)
has_caddy || wanted+=(caddy)
has_faketime || wanted+=(faketime)
has_tesseract || wanted+=(tesseract-ocr tesseract-ocr-por tesseract-ocr-eng)
if [ ${#wanted[@]} -gt 0 ] && ! install_packages "${wanted[@]}"; then
  can_install_packages && fail "apt could not install ${wanted[*]}." "$(grep -E '^(E|W):' "$log" | tail -n 3)" "The whole log: $log"
  [ "${CI:-}" != true ] || fail "${wanted[*]} are missing and cannot be installed without administrator rights." \
    "Continuous integration tests everything or says that it did not: apt-get install ${wanted[*]}"
  note "missing, and not to be installed without administrator rights: ${wanted[*]}"
  note "tests that need them fail or are skipped; ask for: apt-get install ${wanted[*]}"
fi
has_headless || ! has_chromium || install_packages chromium-headless-shell || note "the whole Chromium is used, which is slower"
release_turn

failed=()
check() {
  local name=$1
  shift
  step "$name"
  "$@" </dev/null || failed+=("$name")
}
check "ruff" "$venv/bin/ruff" check .
check "mypy --strict" "$venv/bin/mypy"
check "import contracts" "$venv/bin/lint-imports" --no-logo

step "pytest"
parallel=(-n 2 --dist loadfile --no-loadscope-reorder) # tests/conftest.py says which files come first
for argument in "$@"; do
  case $argument in -n | -n[0-9]* | --numprocesses* | --pdb | -s | --co | --collect-only) parallel=() ;; esac
done
report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
timeout --kill-after 60 80m "$venv/bin/python" -m pytest "${parallel[@]}" "$@" </dev/null 2>&1 | tee "$report" || status=${PIPESTATUS[0]}
[ "$status" != 124 ] || say "The tests were stopped after 80 minutes."
[ "$status" != 5 ] || say "pytest found no test to run."

say "All checks took $((SECONDS - started)) s."
if [ ${#failed[@]} -gt 0 ]; then
  say "Not clean: ${failed[*]} (see above)."
  [ "$status" != 0 ] || status=1
fi
grep -E '(passed|failed|errors?|skipped|deselected|no tests (ran|collected)).* in [0-9.]+s' "$report" | tail -n 1 || true
exit "$status"
