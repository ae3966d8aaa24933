// Command testbench replays bus traces, plays whole machines and registers,
// and breaks everything on purpose.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/testbench/audit"
	"github.com/chekomat/chekomat/testbench/bench"
	"github.com/chekomat/chekomat/testbench/conformance"
	"github.com/chekomat/chekomat/testbench/convert"
	"github.com/chekomat/chekomat/testbench/decode"
	"github.com/chekomat/chekomat/testbench/demo"
	"github.com/chekomat/chekomat/testbench/document"
	"github.com/chekomat/chekomat/testbench/drill"
	"github.com/chekomat/chekomat/testbench/firmware"
	"github.com/chekomat/chekomat/testbench/machine"
	"github.com/chekomat/chekomat/testbench/register"
	_ "github.com/chekomat/chekomat/testbench/register/pirit" // --protocol pirit
	"github.com/chekomat/chekomat/testbench/replay"
	"github.com/chekomat/chekomat/testbench/simulate"
	"github.com/chekomat/chekomat/testbench/vectors"
)

func main() {
	root := &cobra.Command{
		Use:   "testbench",
		Short: "Test bench of Chekomat / испытательный стенд Чекомата",
		Long: `Replays bus traces, plays vending machines and cash registers, runs whole
demos on loopback and counts what was sold, journaled, fiscalized and shown.

Проигрывает записи шины, изображает автоматы и кассы, запускает весь Чекомат
на этом компьютере и сверяет проданное, записанное, пробитое и показанное.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(demo.Command(), drill.Command(), bench.Command(), replay.Command(), simulate.Command(), decode.Command(), convert.Command(), vectors.Command(), audit.Command(), document.Command(), machine.Command(), register.Command(), conformance.Command(), firmware.Command())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "testbench:", err)
		os.Exit(1)
	}
}
