#!/bin/bash
# Prints lines of code and prose that are wider than 120 columns, and exits 1 if there are any. Skips generated files
# and test data. Paragraphs of Markdown are one line each: there it prints lines that a tab begins, outside of code,
# because a wrapped row ends its table.
cd "$(git rev-parse --show-toplevel)" || exit
{
	git ls-files -co --exclude-standard '*.md' | while read -r file; do
		awk '/^```/ { code = !code } !code && /^\t/ { print FILENAME ":" FNR ":" substr($0, 1, 80) }' "$file"
	done
	git ls-files -co --exclude-standard '*.go' '*.c' '*.h' '*.sh' '*.css' '*.js' Makefile .ci/run |
		grep -vE '_bpfel\.go$|/zsyscalls|/testdata/|^docs/sample/' |
		while read -r file; do
			expand -t 8 "$file" | LC_ALL=C.UTF-8 grep -nE '^.{121}' | grep -v '://go:generate' | cut -c 1-100 | sed "s|^|$file:|"
		done
} | { ! grep .; }
