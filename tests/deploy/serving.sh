# serving NAME: waits until the box of this machine answers at https://box.test (/out/NAME.answer) and all of its processes are well
# (/out/NAME.status).
serving() {
  grep -q box.test /etc/hosts || echo 127.0.0.1 box.test >>/etc/hosts
  /opt/salesedge/current/venv/bin/python - >"/out/$1.answer" 2>&1 <<'PYTHON'
import ssl, time
import httpx

ends, answer = time.monotonic() + 300, None
while answer != 200 and time.monotonic() < ends:
    try:
        trusted = ssl.create_default_context(cafile="/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt")
        with httpx.Client(base_url="https://box.test", verify=trusted, timeout=10) as box:
            answer, version = box.get("/health/ready").status_code, box.get("/health/live").json()["version"]
    except (OSError, ValueError, httpx.HTTPError) as err:
        answer, version = repr(err), ""
    time.sleep(0.2)
print(answer, version)
PYTHON
  for _ in $(seq 60); do
    out "$1.status" salesedge status --json
    grep -q '"parts": {"ok": true' "/out/$1.status" && grep -q '"workers": {"ok": true' "/out/$1.status" && break
    sleep 1
  done
}
