package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// FileSum is the SHA-256 of a regular file in lower-case hexadecimal.
func FileSum(path string) (string, error) {
	f, err := openBinary(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return sumOf(f, io.Discard)
}

// openBinary opens a regular file; a FIFO in its place does not make it wait.
func openBinary(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func sumOf(r io.Reader, to io.Writer) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(h, to), r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// copyBinary copies the file at path, under its own base name, into a new folder
// under dir, which nobody else can write to, and gives the copy and its SHA-256.
// Who executes the copy executes what was hashed, whatever becomes of the file
// at path meanwhile.
func copyBinary(path, dir string) (file, sum string, err error) {
	in, err := openBinary(path)
	if err != nil {
		return "", "", err
	}
	defer in.Close()
	folder := filepath.Join(dir, "exec")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", "", err
	}
	mode := os.FileMode(0o400)
	if unix.Access(path, unix.X_OK) == nil {
		mode = 0o500
	}
	file = filepath.Join(folder, filepath.Base(path))
	// A process that another goroutine starts would have the file open for writing
	// for a moment, and the system executes no such file (ETXTBSY, Go issue 22315).
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return "", "", err
	}
	sum, err = sumOf(in, out)
	return file, sum, errors.Join(err, out.Close())
}
