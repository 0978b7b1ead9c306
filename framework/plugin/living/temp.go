package living

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// tempMark is the file in a temporary folder that its maker keeps locked.
	tempMark = "tunelab-host"
	// making names a folder that has no mark yet, as nobody else's is named.
	making = "tunelab-making-"
	// markIn is how long Mark may take, at the very most.
	markIn = time.Minute
)

// MakeTemp makes a folder in the system's temporary one, with a name that starts
// with prefix. It belongs to this process until the Marker's Release, which its
// removal should come before; SweepTemp removes it when this process is killed.
func MakeTemp(prefix string) (dir string, m *Marker, err error) {
	made, err := os.MkdirTemp("", making+"*")
	if err != nil {
		return "", nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	// It gets its name only once it is marked, so that nobody finds it without.
	dir = filepath.Join(os.TempDir(), prefix+strings.TrimPrefix(filepath.Base(made), making))
	if m, err = Mark(filepath.Join(made, tempMark)); err == nil {
		err = os.Rename(made, dir)
	}
	if err != nil {
		m.Release()
		os.RemoveAll(made)
		return "", nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	return dir, m, nil
}

// TempDirs lists the folders of MakeTemp that are this user's, whether their
// makers live or not.
func TempDirs(prefix string) (dirs []string) {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*", tempMark))
	for _, f := range found {
		if dir := filepath.Dir(f); ownFolder(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// ownFolder tells a folder of this user from a link, and from what others put
// into the system's temporary folder, where anybody may.
func ownFolder(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}

// SweepTemp removes the folders of MakeTemp whose makers were killed, after it
// has called before (which may be nil) for each, and returns them. Folders of
// live processes and of other users, and those that MakeTemp did not make, stay.
func SweepTemp(prefix string, before func(dir string)) (swept []string) {
	for _, dir := range TempDirs(prefix) {
		if !Dead(filepath.Join(dir, tempMark)) {
			continue
		}
		if before != nil {
			before(dir)
		}
		if os.RemoveAll(dir) == nil {
			swept = append(swept, dir)
		}
	}
	unnamed, _ := filepath.Glob(filepath.Join(os.TempDir(), making+"*"))
	for _, dir := range unnamed {
		if ownFolder(dir) && Abandoned(dir, tempMark) {
			_ = os.RemoveAll(dir) // empty but for its mark; the next sweep tries again
		}
	}
	return swept
}

// Abandoned reports whether the maker of the folder dir, who marks it under the
// name mark, has ended or released it, or was killed before it got there.
func Abandoned(dir, mark string) bool {
	if _, err := os.Lstat(filepath.Join(dir, mark)); err == nil {
		return Dead(filepath.Join(dir, mark))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	st, err := os.Stat(dir)
	return err == nil && time.Since(st.ModTime()) > markIn
}
