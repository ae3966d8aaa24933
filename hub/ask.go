package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/cli"
)

// readyFile stands in the data folder while the hub runs and says where.
const readyFile = "ready.json"

// tell leaves the hub's addresses for the commands that ask it.
func (m *Main) tell(r Ready) error {
	abs, err := filepath.Abs(r.TokenFile) // whoever asks stands elsewhere
	var b []byte
	if err == nil {
		r.TokenFile = abs
		b, err = json.Marshal(r)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(m.Config.Data, readyFile), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("leave the hub's addresses: %w", err)
	}
	return nil
}

// asking are the commands that ask a running hub.
func (b *builder) asking() []*cobra.Command {
	commands := cli.CLI{Lang: b.lang, Out: b.out, Ask: b.client}.Commands()
	for _, c := range commands {
		c.PersistentFlags().String("url", "", b.say("адрес хаба; пусто — тот, что работает на папке данных", "the hub's address; empty: the one that runs on the data folder"))
		c.PersistentFlags().String("token-file", "", b.say("файл с токеном; пусто — токен установки", "file with the token; empty: the installation's"))
	}
	return commands
}

// client of the hub the command's flags name.
func (b *builder) client(cmd *cobra.Command) (*client.Client, error) {
	if _, err := b.load(cmd); err != nil {
		return nil, err
	}
	address, _ := cmd.Flags().GetString("url") // the flags exist
	tokenFile, _ := cmd.Flags().GetString("token-file")
	var r Ready
	if address == "" || tokenFile == "" {
		raw, err := os.ReadFile(filepath.Join(b.config.Data, readyFile))
		switch {
		case err == nil:
			err = json.Unmarshal(raw, &r)
		case errors.Is(err, os.ErrNotExist) && (address != "" || tokenFile != ""):
			err = nil
		}
		if err != nil {
			return nil, fmt.Errorf(b.say("в папке %s хаб не работает; назовите его --url и --token-file или папку --data: %w",
				"no hub runs in the folder %s; name it by --url and --token-file, or its folder by --data: %w"), b.config.Data, err)
		}
	}
	if address == "" {
		address = r.HTTP
	}
	token := b.config.Token
	if tokenFile == "" && token == "" {
		tokenFile = r.TokenFile
		if tokenFile == "" {
			tokenFile = filepath.Join(b.config.Data, "token")
		}
	}
	if tokenFile != "" {
		raw, err := os.ReadFile(tokenFile)
		if err != nil {
			return nil, fmt.Errorf(b.say("прочитать токен: %w; назовите его файл --token-file или папку хаба --data", "read the token: %w; name its file by --token-file, or the hub's folder by --data"), err)
		}
		token = strings.TrimSpace(string(raw))
	}
	return client.New(address, token), nil
}
