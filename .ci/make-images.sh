#!/usr/bin/env bash
# Makes the image redis:7 from Debian's package redis-server, where no image can be pulled.
# Needs root, a Docker daemon, and the packages redis-server, redis-tools and busybox-static. Does nothing
# if there is such an image.
set -euo pipefail

image=redis:7
if docker image inspect "$image" >/dev/null 2>&1; then
  echo "$image is there"
  exit 0
fi

for program in redis-server redis-cli; do
  command -v "$program" >/dev/null || { echo "make-images: $program is not installed" >&2; exit 1; }
done
busybox=$(command -v busybox) || { echo "make-images: busybox (busybox-static) is not installed" >&2; exit 1; }

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root" # mktemp keeps others out, and the server runs as another user

# A program is of no use without the libraries that the loader looks for at the same paths.
install_program() {
  local path
  path=$(readlink -f "$1")
  { echo "$path"; ldd "$path" 2>/dev/null | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i }'; } |
    while read -r file; do
      install -D -m 755 "$file" "$root$file"
    done
}

install -d "$root/etc" "$root/usr/local/bin"
install -d -m 1777 "$root/tmp"
install -d -o 999 -g 999 "$root/data"
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'redis:x:999:999:redis:/data:/bin/sh' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'redis:x:999:' >"$root/etc/group"

install -D -m 755 "$busybox" "$root/bin/busybox"
for applet in sh cat echo kill ls sleep; do ln -s busybox "$root/bin/$applet"; done

for program in redis-server redis-cli; do
  path=$(command -v "$program")
  install_program "$path"
  target=$(readlink -f "$path")
  ln -s "$target" "$root/usr/local/bin/$program" # Debian's redis-server is a link to redis-check-rdb
done

# Like the official image: the server's name as the command, port 6379, data in /data, not as root.
tar -C "$root" -c . | docker import \
  --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' \
  --change 'WORKDIR /data' \
  --change 'USER redis' \
  --change 'EXPOSE 6379/tcp' \
  --change 'CMD ["redis-server", "--protected-mode", "no"]' \
  --message "from Debian's redis-server" - "$image" >/dev/null
echo "$image is made from $(redis-server --version)"
