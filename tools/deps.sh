#!/bin/sh
# Debian packages that a target needs: installs what is missing with root or sudo, else says what to
# type. Usage: deps.sh build|check|fuzz|peers
set -eu
packages="gcc libc6-dev make cmake ninja-build pkg-config libpopt-dev libjansson-dev libpng-dev \
libturbojpeg0-dev libzip-dev libcsv-dev libutf8proc-dev"
case "$1" in
check) packages="$packages libcmocka-dev bats clang-14 clang-tidy-14 clang-format-14 python3 python3-numpy" ;;
fuzz) packages="$packages clang-14 libclang-rt-14-dev" ;;
peers) packages="$packages python3 python3-venv" ;;
esac
missing=""
for p in $packages; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "These packages are missing; install them with:"
    echo "  sudo apt-get install$missing"
    exit 2
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
