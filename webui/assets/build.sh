#!/bin/sh
# Rebuilds webui/static/vendor from npm. For maintainers with Node; an installed box never runs this.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
vendor="$here/../static/vendor"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$here/package-lock.json" "$here/islands.js" "$work/"
cd "$work"
npm ci --no-audit --no-fund --ignore-scripts
cp node_modules/htmx.org/dist/htmx.min.js "$vendor/htmx.js"
cp node_modules/htmx.org/dist/ext/hx-sse.min.js "$vendor/htmx-sse.js"
node node_modules/esbuild/bin/esbuild islands.js --bundle --minify --format=esm --target=es2022 --legal-comments=none --outfile="$vendor/islands.js"
for package in htmx.org preact @preact/signals @preact/signals-core htm; do
  printf '== %s ==\n\n' "$package"
  cat "node_modules/$package/LICENSE"
  printf '\n'
done > "$vendor/LICENSES.txt"
sed -i '/^\/\/# sourceMappingURL=/d' "$vendor/htmx.js" "$vendor/htmx-sse.js"
cd "$here/../.."
"${PYTHON:-python3}" -m webui.assets.vendor_lock
