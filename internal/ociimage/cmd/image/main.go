// image is `make image`: it writes the image of lsmprof as an OCI layout, from static binaries.
package main

import (
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
	var created time.Time
	if *seconds > 0 {
		created = time.Unix(*seconds, 0)
	}
	image, err := ociimage.Lsmprof(*name, *version, created, f.Args()...)
	if err != nil {
		return err
	}
	return atomicfile.Write(*out, image.Write)
}
