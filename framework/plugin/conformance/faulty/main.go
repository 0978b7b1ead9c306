// Plugins that are each wrong in one way, which the name of the binary chooses;
// the tests of package conformance build and try them. Named "sound" it is a
// LoRA adapter that nothing is wrong with; named "chain" it is one of two stages,
// named "raw" one without the SDK's server.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/tune"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "tunelab-plugin-")
	m := &faulty{Method: tune.Method(adapter{name}), name: name}
	if len(os.Args) > 1 {
		switch name {
		case "garbles":
			fmt.Println("a plugin")
			return
		case "silent":
			os.Exit(2)
		}
		sdk.Serve(m)
		return
	}
	switch name {
	case "prints":
		fmt.Println("loading")
	case "deaf", "leans", "lumps", "mute", "raw", "reuses":
		serveRaw(name, m.Method)
		return
	}
	sdk.Serve(m)
	m.end()
}
