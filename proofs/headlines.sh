#!/usr/bin/env bash
# Prints what each theorem of headlines.txt rests on, and fails if that is anything at all.
set -euo pipefail
cd "$(dirname "$0")"

if grep -nE '\b(Admitted|admit|Axiom|Axioms|Conjecture|Parameter|Parameters)\b' theories/*.v; then
    echo "headlines: the words above have no place in a finished proof" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
modules=$(cut -d. -f1 headlines.txt | sort -u | tr '\n' ' ')
{
    echo "From Maskcover Require $modules."
    sed 's/.*/Print Assumptions &./' headlines.txt
} > "$work/Headlines.v"
coqc -Q theories Maskcover "$work/Headlines.v" > "$work/found"
paste -d ' ' headlines.txt "$work/found" | column -t -l 2
# A theorem that rests on something takes more than its one line.
if [ "$(sort -u "$work/found")" != "Closed under the global context" ] \
    || [ "$(wc -l < "$work/found")" != "$(wc -l < headlines.txt)" ]; then
    echo "headlines: not all of these are closed under the global context" >&2
    exit 1
fi
