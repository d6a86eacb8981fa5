package cli

import (
	"io"
	"path/filepath"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
)

// reportFile is one file of a report.
type reportFile struct {
	name  string
	write func(io.Writer) error
}

// writeFiles writes the files of the formats that the flags ask for to a directory, or a single one to stdout. files
// must have all these formats.
func (o *reportOptions) writeFiles(std streams, dir string, files map[string][]reportFile) error {
	if o.output == "-" {
		write := files[o.formats[0]][0].write
		if o.formats[0] == "text" {
			return std.prose(write)
		}
		return write(std.out)
	}
	if err := atomicfile.MkdirAll(dir); err != nil {
		return err
	}
	for _, format := range o.formats {
		for _, f := range files[format] {
			if err := saveReport(std, filepath.Join(dir, f.name), f.write); err != nil {
				return err
			}
		}
	}
	return nil
}

// saveReport writes a file, keeps an earlier one of that name, and says so.
func saveReport(std streams, path string, write func(io.Writer) error) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	f.KeepOld = true
	kept, err := f.Commit(write)
	if err != nil {
		return err
	}
	std.say(wrote(path, kept))
	return nil
}
