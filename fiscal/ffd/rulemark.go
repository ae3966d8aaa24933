package ffd

// markRequestRules are document 81.
var markRequestRules = []Rule{
	{1018, "-", "-", "./1", Plainly},
	{1023, "-", "-", "./2", IfMarked},
	{1041, "-", "-", "./1", Plainly},
	{1291, "-", "-", "./2", IfMarked},
	{2000, "-", "-", "./1", Plainly},
	{2001, "-", "-", "./1", Plainly},
	{2003, "-", "-", "./1", Plainly},
	{2004, "-", "-", "./1", Plainly},
	{2100, "-", "-", "./1", Plainly},
	{2102, "-", "-", "./1", Plainly},
	{2108, "-", "-", "./2", IfMarked},
	{2114, "-", "-", "./1", Plainly},
}

// markNoticeRules are document 82 together with its 2007.
var markNoticeRules = []Rule{
	{1009, "-", "-", "./2", Plainly},
	{1011, "-", "-", "./1", Plainly},
	{1012, "-", "-", "./1", Plainly},
	{1018, "-", "-", "./2", Plainly},
	{1023, "-", "-", "./2", IfMarked},
	{1030, "-", "-", "./1", Plainly},
	{1040, "-", "-", "./1", Plainly},
	{1041, "-", "-", "./1", Plainly},
	{1043, "-", "-", "./1", Plainly},
	{1054, "-", "-", "./1", Plainly},
	{1055, "-", "-", "./1", Plainly},
	{1079, "-", "-", "./1", Plainly},
	{1084, "-", "-", "./3", Plainly},
	{1125, "-", "-", "./2", IfInternet},
	{1199, "-", "-", "./1", Plainly},
	{1200, "-", "-", "./1", Plainly},
	{1214, "-", "-", "./1", Plainly},
	{1222, "-", "-", "./2", IfAgent},
	{1223, "-", "-", "./2", IfAgent},
	{1224, "-", "-", "./2", IfAgent},
	{1226, "-", "-", "./2", IfAgent},
	{1228, "-", "-", "./2", IfBuyerNamed},
	{1260, "-", "-", "./2", IfIndustry},
	{1261, "-", "-", "./2", IfIndustry},
	{1291, "-", "-", "2/2", IfMarked},
	{2000, "-", "-", "./1", Plainly},
	{2002, "-", "-", "./1", Plainly},
	{2007, "-", "-", "./1", Plainly},
	{2040, "-", "-", "./1", Plainly},
	{2100, "-", "-", "./1", Plainly},
	{2101, "-", "-", "./1", Plainly},
	{2102, "-", "-", "./1", Plainly},
	{2106, "-", "-", "./1", Plainly},
	{2108, "-", "-", "./2", IfMarked},
	{2110, "-", "-", "./1", Plainly},
	{2115, "-", "-", "./1", Plainly},
	{2116, "-", "-", "./1", Plainly},
}

// markAnswerRules are document 83.
var markAnswerRules = []Rule{
	{2001, "-", "-", "./1", Plainly},
	{2005, "-", "-", "./2", Plainly},
	{2100, "-", "-", "./2", Plainly},
	{2101, "-", "-", "./2", Plainly},
	{2102, "-", "-", "./2", IfMarked},
	{2105, "-", "-", "./1", Plainly},
	{2109, "-", "-", "./2", Plainly},
	{2114, "-", "-", "./1", Plainly},
}

// markReceiptRules are document 84.
var markReceiptRules = []Rule{
	{1012, "-", "-", "./1", Plainly},
	{2002, "-", "-", "./1", Plainly},
	{2006, "-", "-", "./2", Plainly},
	{2111, "-", "-", "./1", Plainly},
}
