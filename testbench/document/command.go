// Package document prints fiscal documents in any wrapping readably, checks them
// against FFD, and writes them as the tax service's app exports them.
package document

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/fiscal/ffd"
)

// Options of Decode.
type Options struct {
	JSON    bool   // the app's export instead of text
	Lang    string // "ru" or "en"
	NoCheck bool   // without what deviates from FFD
}

// Decode reads documents in hexadecimal and writes them to out. The error says
// at which byte reading stopped; nothing is written then.
func Decode(in io.Reader, o Options, out io.Writer) error {
	docs, err := Read(in)
	if err != nil {
		return err
	}
	if o.JSON {
		list := make([]any, len(docs))
		for i, d := range docs {
			list[i] = ffd.ExportTicket(d.Document, d.Container.Sign)
		}
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(list); err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
		return nil
	}
	var text []byte
	for i, d := range docs {
		if i > 0 {
			text = append(text, '\n')
		}
		text = ffd.AppendText(text, d.Document, o.Lang)
		text = d.appendWrapping(text, o.Lang)
		if !o.NoCheck {
			text = appendProblems(text, ffd.Validate(d.Document), o.Lang)
		}
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("write the documents: %w", err)
	}
	return nil
}

// appendProblems says what deviates from FFD, each with its reason for people.
func appendProblems(text []byte, problems []ffd.Problem, lang string) []byte {
	for _, p := range problems {
		f := p.Fault()
		what, _ := f.Code.Explain(lang)
		text = fmt.Appendf(text, "!! %s: %s [%s]\n", what, f.Text, f.Code)
	}
	return text
}

func (d Found) appendWrapping(text []byte, lang string) []byte {
	c := d.Container
	if c.Sign != nil {
		text = fmt.Appendf(text, "%s %X\n", word(lang, "ФПС", "FPS"), c.Sign)
	}
	switch c.Wrapping {
	case ffd.Session:
		text = fmt.Appendf(text, "%s %04X, %s %04X, %s %s\n", word(lang, "сеанс", "session"), c.Session.Session,
			word(lang, "протокол", "protocol"), c.Session.Application, word(lang, "ФН", "FN"), c.Session.FN)
		fallthrough
	case ffd.Framed, ffd.Stored:
		text = fmt.Appendf(text, "%s: %s %s, %s %d\n", word(lang, "контейнер ОФД", "OFD container"),
			word(lang, "ФН", "FN"), c.Header.FNSerial(), word(lang, "ФД", "FD"), c.Header.FD)
	}
	return text
}

func word(lang, ru, en string) string {
	if lang == "ru" {
		return ru
	}
	return en
}

// Command gives `document decode FILE|-`.
func Command() *cobra.Command {
	c := &cobra.Command{
		Use:   "document",
		Short: "Read fiscal documents / прочитать фискальные документы",
	}
	c.AddCommand(decode())
	return c
}

func decode() *cobra.Command {
	var o Options
	c := &cobra.Command{
		Use:   "decode FILE|-",
		Short: "Print a fiscal document readably / напечатать фискальный документ",
		Long: `Decode reads fiscal documents in hexadecimal (spaces and line ends are ignored,
# begins a comment) and prints them as an OFD shows them. The wrapping is found
by itself: a bare document, with or without the ФН's message sign, as OFDs store
it (FF FF…), a container, a whole session with the OFD. Several documents may
follow each other. What deviates from FFD stands below a document with "!!".

Читает фискальные документы в шестнадцатеричном виде и печатает их так, как
показывает ОФД. Обёртка определяется сама: голый документ, с ФПС, из хранилища
ОФД, контейнер, сеанс целиком; документов может быть несколько подряд.
Отступления от ФФД печатаются под документом после «!!».

--json writes an array as the tax service's app does:
[{"ticket":{"document":{"receipt":{…}}}}], sums in kopecks. Documents the app
does not serve have the names of OFDs (openShift, closeShift, fiscalReport…).

Exit codes: 0 all documents were read, 1 the input could not be read; the message
names the byte.`,
		Example: "  testbench document decode receipt.hex\n  xxd -p dump.bin | testbench document decode - --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Lang != "ru" && o.Lang != "en" {
				return fmt.Errorf("--lang %q: ru or en", o.Lang)
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("document decode: %w", err)
				}
				defer f.Close()
				in = f
			}
			if err := Decode(in, o, cmd.OutOrStdout()); err != nil {
				return fmt.Errorf("document decode %s: %w", args[0], err)
			}
			return nil
		},
	}
	f := c.Flags()
	f.BoolVar(&o.JSON, "json", false, "as the tax service's app exports it")
	f.StringVar(&o.Lang, "lang", "ru", "language of labels: ru or en")
	f.BoolVar(&o.NoCheck, "no-check", false, "without what deviates from FFD")
	return c
}
