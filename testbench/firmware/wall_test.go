package firmware

import "testing"

// What lives in the wall's time waits more than it works: it runs at once, and
// before the emulators of the other tests take all there is of this computer.
func TestInWallTime(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute in real time")
	}
	made(t)
	for name, test := range map[string]func(*testing.T){
		"the whole chain": wholeChainOnTheFirmware, "the agent looks after the module": agentLooksAfterTheModule,
		"the module verifies what lies in its flash": moduleVerifiesWhatLiesInItsFlash,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}
