package ffd

// Version is the version of formats as tag 1209 codes it.
type Version uint8

// Versions in force; 0 and 1 were 1.0 and are dead.
const (
	V105 Version = 2
	V11  Version = 3
	V12  Version = 4
)

func (v Version) String() string {
	switch v {
	case V105:
		return "1.05"
	case V11:
		return "1.1"
	case V12:
		return "1.2"
	}
	return "?"
}

// VersionOf reads 1209 of a document; 0 when it is absent (FFD 1.0).
func VersionOf(body []Element) Version {
	if e := Find(body, 1209); e != nil && len(e.Value) == 1 {
		return Version(e.Value[0])
	}
	return 0
}
