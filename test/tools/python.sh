#!/usr/bin/env bash
# Prints a Python that has what a requirements file names, after making it where it is missing:
#
#   bash test/tools/python.sh test/emulators/azure/python/requirements.txt
#
# The cache lies outside the clone, as that of test/tools/install.sh does, under the first package and what the file says.
set -euo pipefail

requirements="$1"
version="$(sed -n '1s/==/-/p' "$requirements")-$(sha256sum "$requirements" | cut -c 1-8)"
folder="${XDG_CACHE_HOME:-$HOME/.cache}/artifact-registry-functions/python/$version"
if [[ ! -x "$folder/bin/python" ]]; then
  mkdir -p "$(dirname "$folder")"
  part="$(mktemp -d "$folder.XXXXXX")"
  trap 'rm -rf "$part"' EXIT
  { python3 -m venv "$part" && "$part/bin/python" -m pip install -q -r "$requirements"; } >&2 </dev/null
  # Where somebody else was faster, theirs is as good.
  mv -T "$part" "$folder" 2>/dev/null || [[ -x "$folder/bin/python" ]]
fi
echo "$folder/bin/python"
