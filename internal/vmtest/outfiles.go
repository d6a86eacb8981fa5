package vmtest

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The disk is a sparse file: it occupies only what the guest wrote.
const outDiskSize = 4 << 30

// loadFiles unpacks the tar that the guest wrote to its disk. Members of out[i] are named "i" or "i/...". A file lands
// in the host folder under its own name, a folder's contents land in it directly.
func loadFiles(disk io.Reader, out []Copy) error {
	tr := tar.NewReader(disk)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("files out of the guest: %w", err)
		}
		index, rel, inFolder := strings.Cut(strings.TrimSuffix(h.Name, "/"), "/")
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= len(out) || (rel != "" && !filepath.IsLocal(rel)) {
			return fmt.Errorf("files out of the guest: unexpected name %q", h.Name)
		}
		if !inFolder && h.Typeflag == tar.TypeReg {
			rel = filepath.Base(out[i].From)
		}
		if err := unpack(tr, h, filepath.Join(out[i].To, rel)); err != nil {
			return fmt.Errorf("files out of the guest: %w", err)
		}
	}
}

func unpack(tr io.Reader, h *tar.Header, to string) error {
	if h.Typeflag == tar.TypeDir {
		return os.MkdirAll(to, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, h.FileInfo().Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, tr)
	return errors.Join(err, f.Close())
}
