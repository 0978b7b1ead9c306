package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// require adds a module to the go.mod of the working folder or one above it; where there
// is none, it makes one.
func require(_ Session, module string, out io.Writer) error {
	if module == "" {
		return errors.New("which module? %require PATH@VERSION")
	}
	mod, err := goTool("env", "GOMOD")
	if err != nil {
		return err
	}
	if mod = strings.TrimSpace(mod); mod == "" || mod == os.DevNull {
		if _, err := goTool("mod", "init", "notebook"); err != nil {
			return err
		}
		mod = "go.mod"
	}
	said, err := goTool(append([]string{"get"}, strings.Fields(module)...)...)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s%s is up to date\n", said, mod)
	return nil
}

func goTool(args ...string) (string, error) {
	said, err := exec.Command("go", args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("the go command is not on the PATH (https://go.dev/dl/)")
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, said)
	}
	return string(said), nil
}

// export writes the session as a program, and compiles it to see that it is one.
func export(s Session, file string, out io.Writer) error {
	if file == "" {
		return errors.New("to which file? %export FILE.go")
	}
	program, err := s.Export()
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(program), 0o644); err != nil {
		return err
	}
	if _, err := goTool("build", "-o", os.DevNull, file); err != nil {
		return fmt.Errorf("%s is written, but does not compile: %w", file, err)
	}
	fmt.Fprintf(out, "%s is a program: go run %s\n", file, file)
	return nil
}
