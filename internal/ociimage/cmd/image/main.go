// image is `make image`: it writes the image of lsmprof as an OCI layout, from static binaries.
package main

import (
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/ociimage"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	f := flag.NewFlagSet("image", flag.ContinueOnError)
	name := f.String("name", "", "name of the image, with a tag")
	version := f.String("version", "unknown", "version of lsmprof")
	seconds := f.Int64("created", 0, "seconds since 1970 that the image says it was made at; 0: it does not say")
	out := f.String("o", "", "file to write")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *name == "" || *out == "" || f.NArg() == 0 {
		return errors.New("usage: image -name NAME:TAG -o FILE BINARY…")
	}
	image := ociimage.Image{Name: *name, Labels: map[string]string{
		"org.opencontainers.image.title":   "lsmprof",
		"org.opencontainers.image.version": *version, "org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.source": "https://github.com/lsmprof/lsmprof",
	}}
	if *seconds > 0 {
		image.Created = time.Unix(*seconds, 0)
	}
	for _, binary := range f.Args() {
		arch, err := archOf(binary)
		if err != nil {
			return err
		}
		image.Platforms = append(image.Platforms, ociimage.Platform{
			Arch: arch, Files: map[string]string{"/lsmprof": binary},
			Entrypoint: []string{"/lsmprof"}, Cmd: []string{"serve"},
		})
	}
	return atomicfile.Write(*out, image.Write)
}

// archOf returns the architecture of a static binary.
func archOf(binary string) (string, error) {
	e, err := elf.Open(binary)
	if err != nil {
		return "", fmt.Errorf("%s: %w", binary, err)
	}
	defer e.Close()
	switch e.Machine {
	case elf.EM_X86_64:
		return "amd64", nil
	case elf.EM_AARCH64:
		return "arm64", nil
	}
	return "", fmt.Errorf("%s is for %v: want amd64 or arm64", binary, e.Machine)
}
