package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/plugin/scaffold"
)

type pluginNewCmd struct {
	Name       string `arg:"" help:"Name of the method: lower-case letters, digits and hyphens."`
	Level      string `help:"adapter: say what trains, the SDK does the run. method: own the whole run." enum:"adapter,method" default:"adapter"`
	Dir        string `name:"into" help:"The folder to make; default: ./tunelab-plugin-NAME." placeholder:"DIR"`
	ModulePath string `help:"Folder with tunelab's source, to which go.mod points; default: the checkout around the current folder or this program." placeholder:"DIR"`
	Module     string `help:"Go module path; default: example.com/tunelab-plugin-NAME." placeholder:"PATH"`
}

func (c *pluginNewCmd) Run(a *app) error {
	checkout, err := c.checkout()
	if err != nil {
		return err
	}
	dir := c.Dir
	if dir == "" {
		dir = "tunelab-plugin-" + c.Name
	}
	files, err := scaffold.Write(scaffold.Options{Name: c.Name, Level: c.Level, Dir: dir, Module: c.Module, Checkout: checkout})
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, map[string]any{"dir": dir, "files": files, "checkout": checkout})
	}
	for _, f := range files {
		fmt.Fprintln(a.out, filepath.Join(dir, f))
	}
	fmt.Fprintf(a.out, "\nnext: cd %s && make test && make build && tunelab plugin test dist/tunelab-plugin-%s\nthen: TUNELAB_PLUGIN_DIR=dist tunelab compare --unlocked --task sentiment --method lora --method %s\n", dir, c.Name, c.Name)
	return nil
}

// checkout finds tunelab's source: as given, else around the current folder,
// else around this program.
func (c *pluginNewCmd) checkout() (string, error) {
	if c.ModulePath != "" {
		dir, err := filepath.Abs(c.ModulePath)
		if err == nil && !scaffold.IsCheckout(dir) {
			err = fmt.Errorf("--module-path %s: its go.mod is not that of github.com/tunelab/tunelab", c.ModulePath)
		}
		return dir, err
	}
	var starts []string
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	if exe, err := os.Executable(); err == nil {
		if exe, err = filepath.EvalSymlinks(exe); err == nil {
			starts = append(starts, filepath.Dir(exe))
		}
	}
	for _, dir := range starts {
		for ; ; dir = filepath.Dir(dir) {
			if scaffold.IsCheckout(dir) {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", errors.New("tunelab's source was found neither around this folder nor around this program; a plugin is built against it while it is not published: name its folder with --module-path DIR")
}
