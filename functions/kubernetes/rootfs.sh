#!/bin/sh
# Lays out a file system in which Node runs, and nothing else: no shell, no package manager. The C and C++ libraries, the CA
# certificates and the time zones are taken out of Debian's packages. It runs on Debian, and changes nothing there.
#
#   sh functions/kubernetes/rootfs.sh ARCHITECTURE NODE FOLDER
#
# ARCHITECTURE is amd64 or arm64, NODE the program for it, FOLDER a new one.
set -eu
architecture=${1:?}
node=${2:?}
rootfs=${3:?}
case "$architecture" in
  amd64) triplet=x86_64-linux-gnu loader=/lib64/ld-linux-x86-64.so.2 ;;
  arm64) triplet=aarch64-linux-gnu loader=/lib/ld-linux-aarch64.so.1 ;;
  *)
    echo "rootfs.sh: $architecture is neither amd64 nor arm64" >&2
    exit 2
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/files"
# The sources and keys of this machine, and lists of packages of its own: they are for another architecture, perhaps.
apt() {
  apt-get -qq -o APT::Architecture="$architecture" -o APT::Architectures::="$architecture" -o APT::Sandbox::User=root \
    -o Dir::State::lists="$work/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$work/cache" "$@"
}
apt update
cd "$work/debs"
apt download libc6 libgcc-s1 libstdc++6 ca-certificates tzdata
# It has the licence of the two before.
apt download "$(dpkg-deb -f libgcc-s1_*.deb Depends | grep -o 'gcc-[0-9]*-base')"
cd - >/dev/null

mkdir -p "$rootfs/var/lib/dpkg/status.d" "$rootfs/usr/local/bin" "$rootfs/usr/lib/$triplet" "$rootfs${loader%/*}" \
  "$rootfs/etc/ssl/certs" "$rootfs/usr/share/doc"
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/files"; done
for deb in "$work"/debs/*.deb; do
  name=$(dpkg-deb -f "$deb" Package)
  # Where scanners of images look for what is in an image without dpkg.
  dpkg-deb -f "$deb" >"$rootfs/var/lib/dpkg/status.d/$name"
  mkdir "$rootfs/usr/share/doc/$name"
  cp -L "$work/files/usr/share/doc/$name/copyright" "$rootfs/usr/share/doc/$name/"
done
# copy PATH NAME: a file of the packages, wherever its package has it.
copy() { cp -L "$(find "$work/files" -name "$2" | head -n 1)" "$rootfs$1"; }
# What Node is linked with. Since 2.34 the C library looks names up by itself, in files and by DNS.
for library in libc.so.6 libdl.so.2 libgcc_s.so.1 libm.so.6 libpthread.so.0 libstdc++.so.6; do
  copy "/usr/lib/$triplet/$library" "$library"
done
copy "$loader" "${loader##*/}"
cp "$node" "$rootfs/usr/local/bin/node"
cat "$work"/files/usr/share/ca-certificates/mozilla/*.crt >"$rootfs/etc/ssl/certs/ca-certificates.crt"
cp -R "$work/files/usr/share/zoneinfo" "$rootfs/usr/share/"
rm -rf "$rootfs/usr/share/zoneinfo/posix" "$rootfs/usr/share/zoneinfo/right"
echo 'hosts: files dns' >"$rootfs/etc/nsswitch.conf"
chmod -R u=rwX,go=rX "$rootfs"
