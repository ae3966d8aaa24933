package simulate

import (
	"fmt"
	"slices"
	"strings"
)

// Wrong ways to do it that the checks must find: the four of reliability.md
// C.3.1, and others at other seams.
const (
	RetryBlindly      = "retry-until-answered"
	DoneThenSend      = "done-then-send"
	CounterMoved      = "counter-moved"
	KeyWithoutWaiting = "key-without-waiting"
	AckBeforeDurable  = "ack-before-durable"
	OlderReceipt      = "receipt-of-older-sale"
	SyncForgotten     = "sync-forgotten"
	KeyPerTry         = "key-per-try"
)

// breaks are all of them, in words.
var breaks = []struct{ name, en, ru string }{
	{RetryBlindly, "not answered: the document is sent again", "нет ответа — документ посылается ещё раз"},
	{DoneThenSend, "counted as done, then sent", "сначала записан сделанным, потом послан"},
	{CounterMoved, "the register's counter has moved: the document is taken for ours", "счётчик кассы сдвинулся — документ считается нашим"},
	{KeyWithoutWaiting, "documents are searched for the key before the register is idle", "документ ищут по ключу, не дождавшись, пока касса освободится"},
	{AckBeforeDurable, "the hub acknowledges records before they are stored", "хаб подтверждает записи раньше, чем сохранит"},
	{OlderReceipt, "the panel shows whatever receipt comes", "экран показывает любой пришедший чек"},
	{SyncForgotten, "disks do not sync what they are told to", "диски не сбрасывают записанное"},
	{KeyPerTry, "a refund or correction that is tried again gets a key of its own", "возврат или коррекция при повторе получает новый ключ"},
}

// Breaks lists their names.
func Breaks() (names []string) {
	for _, b := range breaks {
		names = append(names, b.name)
	}
	return names
}

func checkBreak(name string) error {
	if all := Breaks(); name != "" && !slices.Contains(all, name) {
		return fmt.Errorf("no wrong strategy %q; there are %s", name, strings.Join(all, ", "))
	}
	return nil
}

// breaksHelp tells of them on the command line.
func breaksHelp() string {
	var b strings.Builder
	for _, x := range breaks {
		fmt.Fprintf(&b, "  %-22s %s / %s\n", x.name, x.en, x.ru)
	}
	return b.String()
}
