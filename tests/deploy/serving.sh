# The processes of an installed bare root with the command, user and environment of their units, in a network of their own that leads
# nowhere, where it answers at https://box.test.
python3 - <<'PYTHON'
import fcntl, socket, struct
door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(door, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
PYTHON
units=/etc/systemd/system
environment=$(sed -n 's/^Environment=//p' $units/salesedge-.service.d/10-every-process.conf)
for name in $(grep -E "^salesedge-.*\.service$" /out/enabled); do
  file=$units/$(echo "$name" | sed 's/@.*\./@./')
  command=$(sed -n 's/^ExecStart=//p' "$file" | sed 's/--supervised systemd//')
  runuser -u salesedge -- env $environment $command >>/out/processes 2>&1 &
done
setpriv --reuid caddy --regid caddy --init-groups --inh-caps +net_bind_service --ambient-caps +net_bind_service \
  env HOME=/var/lib/caddy caddy run --adapter caddyfile --config /etc/caddy/Caddyfile >/out/caddy 2>&1 &
python3 - >/out/answer 2>&1 <<'PYTHON'
import pathlib, socket, ssl, time, urllib.request
authority = pathlib.Path("/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt")
ends = time.monotonic() + 600
while True:
    try:
        trusted = ssl.create_default_context(cafile=str(authority))
        with trusted.wrap_socket(socket.create_connection(("127.0.0.1", 443), timeout=10), server_hostname="box.test") as door:
            door.sendall(b"GET /health/ready HTTP/1.1\r\nHost: box.test\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: door.recv(4096), b"")).decode()
        if " 200 " in answer.splitlines()[0]:
            break
    except (OSError, IndexError) as err:
        answer = repr(err)
    if time.monotonic() > ends:
        break
    time.sleep(1)
print(answer)
PYTHON
printf 'a long and quiet sentence\n' >/var/lib/salesedge/password
chown salesedge /var/lib/salesedge/password
out code salesedge setup-code
out setup salesedge setup --email ana@solara.example --password-file /var/lib/salesedge/password --tenant "Solara Energia" --json
