#!/bin/sh
# Set up in a FOLDER what the tests of publishing speak to: a Personal Data Server of Bluesky, and snac2, a server that
# speaks Mastodon's protocol, from Debian's source. On Debian 12; SUDO says how to install packages.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"

missing=""
command -v npm >/dev/null || missing="nodejs npm libnode-dev"
for package in dpkg-dev g++ libcurl4-openssl-dev libssl-dev make python3 xz-utils; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
if [ -n "$missing" ]; then
    ${SUDO:-} apt-get -q update
    # shellcheck disable=SC2086
    ${SUDO:-} env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
fi

cp "$here"/package.json "$here"/package-lock.json "$here"/*.cjs .
if [ "$(command -v node)" = /usr/bin/node ] && [ -e /usr/include/node/node.h ]; then
    npm_config_nodedir=/usr # the headers are there: nothing to download
    export npm_config_nodedir
fi
npm ci --omit=dev --no-audit --no-fund --loglevel=error

# Lists of its own: the system's stay as they are. apt checks the signatures.
mkdir -p apt/lists/partial apt/cache/archives/partial
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" \
    >apt/sources.list
apt="apt-get -q -o APT::Sandbox::User=root -o Dir::Etc::SourceList=$PWD/apt/sources.list -o Dir::Etc::SourceParts=-"
apt="$apt -o Dir::State::Lists=$PWD/apt/lists -o Dir::Cache=$PWD/apt/cache"
$apt update
rm -rf snac2-* snac2_*
$apt source snac2
make -C snac2-*/ >/dev/null
cp snac2-*/snac snac
rm -rf snac2-* snac2_* apt
