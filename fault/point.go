//go:build !killpoints

package fault

// Point does nothing in this build.
func Point(string) {}

// Armed says whether this build can die at a point.
const Armed = false
