package bind

import (
	"slices"
	"strings"
	"testing"

	"github.com/goplus/ixgo"
	_ "github.com/goplus/ixgo/pkg"
)

// TestDeps fails where a bound package mentions types of another that its Deps do not
// bring in first: a cell that imports that one later would not find what is in it.
func TestDeps(t *testing.T) {
	list := ixgo.PackageList()
	for _, path := range list {
		if !strings.Contains(path, ".") || strings.HasPrefix(path, "github.com/goplus/") {
			continue
		}
		t.Run(path, func(t *testing.T) {
			ctx := ixgo.NewContext(ixgo.SupportMultipleInterp)
			if _, err := ctx.Loader.Import(path); err != nil {
				t.Fatal(err)
			}
			for _, p := range ctx.Loader.Packages() {
				if _, bound := slices.BinarySearch(list, p.Path()); bound && !p.Complete() {
					t.Errorf("Deps lacks %s", p.Path())
				}
			}
		})
	}
}
