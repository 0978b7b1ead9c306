package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completeCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints a script that knows every command and flag; load it with
//
//	source <(tunelab completion bash)
//
// With --json it prints what may follow each command, by its path, for a program
// that completes otherwise.
func (c *completeCmd) Run(a *app, k *kong.Kong) error {
	words := map[string][]string{}
	var order []string
	visit(k.Model.Node, "", words, &order)
	if a.json {
		return printJSON(a.out, words) // what may follow each command, for other shells
	}
	switch c.Shell {
	case "fish":
		return fish(a.out, words, order)
	case "zsh":
		fmt.Fprintln(a.out, "autoload -U +X bashcompinit && bashcompinit")
	}
	return bash(a.out, words, order)
}

// visit lists, for each command by its path, the commands and flags that may
// follow.
func visit(n *kong.Node, path string, words map[string][]string, order *[]string) {
	*order = append(*order, path)
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			words[path] = append(words[path], "--"+f.Name)
		}
	}
	for _, c := range n.Children {
		if c.Hidden {
			continue
		}
		words[path] = append(words[path], c.Name)
		visit(c, strings.TrimSpace(path+" "+c.Name), words, order)
	}
}

func bash(w io.Writer, words map[string][]string, order []string) error {
	fmt.Fprintln(w, "_tunelab() {")
	fmt.Fprintln(w, `  local cur="${COMP_WORDS[COMP_CWORD]}" path="" w i`)
	fmt.Fprintln(w, `  for ((i = 1; i < COMP_CWORD; i++)); do`)
	fmt.Fprintln(w, `    w="${path:+$path }${COMP_WORDS[i]}"`)
	fmt.Fprintln(w, `    case "$w" in`)
	var quoted []string
	for _, p := range order {
		if p != "" {
			quoted = append(quoted, `"`+p+`"`)
		}
	}
	fmt.Fprintf(w, "      %s) path=\"$w\" ;;\n    esac\n  done\n  case \"$path\" in\n", strings.Join(quoted, "|"))
	for _, p := range order {
		fmt.Fprintf(w, "    %q) w=%q ;;\n", p, strings.Join(words[p], " "))
	}
	fmt.Fprintln(w, `  esac`)
	fmt.Fprintln(w, `  COMPREPLY=($(compgen -W "$w" -- "$cur"))`)
	fmt.Fprintln(w, `  if [[ "$cur" != -* ]]; then COMPREPLY+=($(compgen -f -- "$cur")); fi`)
	_, err := fmt.Fprintln(w, "}\ncomplete -o filenames -F _tunelab tunelab")
	return err
}

func fish(w io.Writer, words map[string][]string, order []string) error {
	for _, p := range order {
		condition := "__fish_use_subcommand"
		if p != "" {
			condition = "__fish_seen_subcommand_from " + strings.ReplaceAll(p, " ", "; and __fish_seen_subcommand_from ")
		}
		for _, word := range words[p] {
			var err error
			if flag, ok := strings.CutPrefix(word, "--"); ok {
				_, err = fmt.Fprintf(w, "complete -c tunelab -n '%s' -l %s\n", condition, flag)
			} else {
				_, err = fmt.Fprintf(w, "complete -c tunelab -n '%s' -a %s\n", condition, word)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
