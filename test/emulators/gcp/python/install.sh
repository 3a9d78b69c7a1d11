#!/usr/bin/env bash
# Prints the Python that has Google's own client, after making it where it is missing. The cache lies outside the clone, as that of
# test/tools/install.sh does.
set -euo pipefail

requirements="$(dirname "${BASH_SOURCE[0]}")/requirements.txt"
version="$(sed 's/==/-/' "$requirements")"
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
