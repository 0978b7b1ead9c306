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

// slowness is how long "slow" takes to serve, and then to describe itself.
const slowness = 60 * time.Millisecond

func main() {
	beChild(os.Args)
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
	case "ahead", "newer", "oversize", "schema", "stateless", "unended":
		serveRaw(name)
		return
	case "prints":
		fmt.Println("hello from a library")
	case "slow":
		time.Sleep(slowness)
	}
	sdk.Serve(&counter{name: name})
}
