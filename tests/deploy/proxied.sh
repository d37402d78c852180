#!/bin/bash
# Run in namespaces of its own: $1 a folder with the Caddyfile of the installation and, for acme, one of an authority; $2 the certificate to trust.
set -eu
cd "$1"
ip link set lo up
export XDG_CONFIG_HOME=$1/settings NO_PROXY="*" no_proxy="*"
echo "127.0.0.1 localhost box.test ca.test" >hosts
mount --bind hosts /etc/hosts
"$PYTHON" -c "$BOX" &
if [ -e authority ]; then
  XDG_DATA_HOME=$1 caddy run --adapter caddyfile --config authority >authority.log 2>&1 &
  until [ -s "$2" ] && curl -fsS --cacert "$2" -o /dev/null https://ca.test:14000/acme/local/directory 2>curl.log; do sleep 0.1; done
fi
XDG_DATA_HOME=$1/own caddy run --adapter caddyfile --config Caddyfile >caddy.log 2>&1 &
until curl -fsS --cacert "$2" -H "traceparent: 00-1-2-00" -H "tracestate: x=1" -D headers -o page https://box.test/hello 2>curl.log; do sleep 0.2; done
curl -sS --cacert "$2" -o /dev/null -w "%{http_code}" https://box.test/metrics >figures
curl -sS -o /dev/null -w "%{http_code} %{redirect_url}" http://box.test/hello >unencrypted
