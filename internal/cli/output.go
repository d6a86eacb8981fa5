package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// pendingFile is a file that appears under its name only when it is complete.
type pendingFile struct {
	*os.File
	path string
}

// createPending opens a temporary file beside path: an output that cannot be written is noticed before anything is measured.
func createPending(path string) (*pendingFile, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory; give a file name with --output", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("output %s cannot be written: %w", path, err)
	}
	return &pendingFile{f, path}, nil
}

// commit writes the content and gives the file its name; what was there before stays whole until then.
func (p *pendingFile) commit(write func(io.Writer) error) (err error) {
	defer func() {
		if err != nil {
			p.discard()
			err = fmt.Errorf("write %s: %w", p.path, err)
		}
	}()
	if err := write(p.File); err != nil {
		return err
	}
	if err := p.Chmod(0o644); err != nil {
		return err
	}
	if err := p.Sync(); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	return os.Rename(p.Name(), p.path)
}

// discard removes the temporary file; after a commit it does nothing.
func (p *pendingFile) discard() {
	p.Close()
	os.Remove(p.Name())
}
