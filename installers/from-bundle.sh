# How install.sh works from a file of installers/bundle; sourced by it.
bundle_folder=/opt/salesedge/bundle

# open_bundle: nothing on this machine is changed before all of the file was read and is what its maker signed
open_bundle() {
  local program said here folder=$bundle_folder
  for program in python3 openssl; do
    command -v $program >/dev/null 2>&1 || fail "$(t "%s is needed to check the bundle, and it is not on this machine." $program)" \
      "It is on the installation medium of the distribution."
  done
  step_no=-1
  step "The bundle: its signature, and the sum of each file in it"
  here=$(release_here)
  said=$(python3 "$source_dir/installers/open_release.py" "$bundle" "$release_key" "" "$here") || refuse_bundle "$said"
  need_space /opt $(($(stat -c %s "$bundle") / 1000000 * 2 + 3000))
  mkdir -p /opt/salesedge
  one_at_a_time /opt/salesedge update.lock
  rm -rf "$folder"
  mkdir -p "$folder/tree"
  said=$(python3 "$source_dir/installers/open_release.py" "$bundle" "$release_key" "$folder") || { rm -rf "$folder"; refuse_bundle "$said"; }
  tar -xzf "$folder/source.tar.gz" -C "$folder/tree" --no-same-owner
  # what was signed installs, not whatever this file was found beside
  LC_ALL=$spoken exec bash "$folder/tree/installers/install.sh" --unpacked "${asked_for[@]}"
}

# release_here: the version on this box, or nothing
release_here() {
  local name
  name=$(basename "$(readlink /opt/salesedge/current 2>/dev/null)")
  printf '%s' "${name%%-*}"
}

refuse_bundle() {
  local sentence=${1%%$'\t'*} about=""
  [ "$sentence" = "$1" ] || about=${1#*$'\t'}
  fail "the bundle was refused; nothing was changed." "$(t "$sentence" ${about:+"$about"})"
}

# use_bundle: apt and pip see nothing but what lies there, for this run only
use_bundle() {
  local folder=$bundle_folder model
  trap 'rm -rf "$bundle_folder"' EXIT
  mkdir -p "$folder/lists/partial" "$folder/archives/partial"
  printf 'deb [trusted=yes] file:%s/debs ./\n' "$folder" >"$folder/sources.list" # its sums were signed with the rest
  cat >"$folder/apt.conf" <<TXT
Dir::Etc::sourcelist "$folder/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$folder/lists";
Dir::Cache::archives "$folder/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
TXT
  export APT_CONFIG=$folder/apt.conf PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS=$folder/wheels
  apt update || fail "the packages in the bundle cannot be read." "$(tail -n 3 "$log")" "$(t "The whole log: %s" "$log")"
  {
    for model in "$folder"/brand/*; do [ ! -f "$model" ] || printf 'app_brand: "%s"\n' "$model"; done
    [ ! -d "$folder/models" ] || printf 'models_files:\n'
    for model in "$folder"/models/*/; do [ ! -d "$model" ] || printf '  "%s": "%s"\n' "$(basename "$model")" "${model%/}"; done
  } >"$folder/parts.yml"
  [ -s "$folder/parts.yml" ] || printf '{}\n' >"$folder/parts.yml"
}
