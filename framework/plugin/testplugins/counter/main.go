// The plugins that package testplugins builds: the behaviour is chosen by the
// name of the binary.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
)

func main() {
	name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(os.Args[0]), "tunelab-plugin-"), "_") // what follows is its version
	switch name {
	case "asleep":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Hour) // in case this thread runs on for a moment
	case "exits":
		fmt.Fprintln(os.Stderr, "no licence found")
		os.Exit(3)
	case "misnamed":
		name = "other"
	case "newer", "oversize", "schema", "stateless", "unended":
		serveRaw(name)
		return
	case "prints":
		fmt.Println("hello from a library")
	}
	sdk.Serve(&counter{name: name})
}
