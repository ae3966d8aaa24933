package ffd

// rateListRules are the content of 1115.
var rateListRules = []Rule{
	{1119, "2/2", "2/2", "2/2", Always},
}

// rateRules are the content of 1119.
var rateRules = []Rule{
	{1120, "2/2", "2/2", "2/2", Always},
	{1199, "2/2", "2/2", "2/2", Always},
}

// ecashListRules are the content of 1234.
var ecashListRules = []Rule{
	{1235, "./1", "./1", "./1", Always},
}

// ecashRules are the content of 1235.
var ecashRules = []Rule{
	{1082, "./1", "./1", "./1", Always},
	{1236, "./1", "./1", "./1", Always},
	{1237, "./1", "./1", "./1", Always},
	{1238, "./2", "./2", "./2", Plainly},
}

// buyerRules are the content of 1256.
var buyerRules = []Rule{
	{1227, "-", "-", "3/2", IfBuyerNamed},
	{1228, "-", "-", "./2", IfBuyerNamed},
	{1243, "-", "-", "./2", IfBuyerNamed},
	{1244, "-", "-", "./3", Plainly},
	{1245, "-", "-", "./2", IfBuyerNamed},
	{1246, "-", "-", "./2", IfBuyerNamed},
	{1254, "-", "-", "3/3", Plainly},
}

// agentRules are the content of 1223.
var agentRules = []Rule{
	{1005, "3/3", "3/2", "3/2", IfAgent},
	{1016, "3/3", "3/2", "3/2", IfAgent},
	{1026, "3/3", "3/2", "3/2", IfAgent},
	{1044, "3/3", "3/2", "3/2", IfAgent},
	{1073, "3/3", "3/2", "3/2", IfAgent},
	{1074, "3/3", "3/2", "3/2", IfAgent},
	{1075, "3/3", "3/2", "3/2", IfAgent},
}

// supplierRules are the content of 1224.
var supplierRules = []Rule{
	{1171, "3/3", "3/2", "3/2", IfAgent},
	{1225, "3/3", "3/2", "3/2", IfAgent},
}

// propertyRules are the content of 1084.
var propertyRules = []Rule{
	{1085, "3/3", "3/3", "3/3", Plainly},
	{1086, "3/3", "3/3", "3/3", Plainly},
}

// industryRules are the content of 1260 and 1261.
var industryRules = []Rule{
	{1262, "-", "-", "./2", Always},
	{1263, "-", "-", "./2", Always},
	{1264, "-", "-", "./2", Always},
	{1265, "-", "-", "./2", Always},
}

// operationRules are the content of 1270.
var operationRules = []Rule{
	{1271, "-", "-", "./2", Always},
	{1272, "-", "-", "./2", Always},
	{1273, "-", "-", "./2", Always},
}

// correctionBaseRules are the content of 1174; 1177 was abolished after 1.1.
var correctionBaseRules = []Rule{
	{1177, "3/3", "3/3", "-", Plainly},
	{1178, "2/2", "2/2", "2/2", Always},
	{1179, "./2", "./2", "./2", IfByOrder},
}

// counterRules are the content of 1194, 1157 and 1158.
var counterRules = []Rule{
	{1134, "-", "2/2", "2/2", IfCounters},
	{1129, "-", "2/2", "2/2", IfCounters},
	{1130, "-", "2/2", "2/2", IfCounters},
	{1131, "-", "2/2", "2/2", IfCounters},
	{1132, "-", "2/2", "2/2", IfCounters},
	{1133, "-", "2/2", "2/2", IfCounters},
}

// operationCounterRules are the content of 1129..1132.
var operationCounterRules = []Rule{
	{1135, "-", "2/2", "2/2", IfCounters},
	{1136, "-", "2/2", "2/2", IfCounters},
	{1138, "-", "2/2", "2/2", IfCounters},
	{1218, "-", "2/2", "2/2", IfCounters},
	{1219, "-", "2/2", "2/2", IfCounters},
	{1220, "-", "2/2", "2/2", IfCounters},
	{1201, "-", "2/2", "2/2", IfCounters},
	{1139, "-", "2/2", "2/2", IfCounters},
	{1140, "-", "2/2", "2/2", IfCounters},
	{1141, "-", "2/2", "2/2", IfCounters},
	{1142, "-", "2/2", "2/2", IfCounters},
	{1143, "-", "2/2", "2/2", IfCounters},
	{1183, "-", "2/2", "2/2", IfCounters},
}

// correctionCounterRules are the content of 1133.
var correctionCounterRules = []Rule{
	{1144, "-", "2/2", "2/2", IfCounters},
	{1145, "-", "2/2", "2/2", IfCounters},
	{1146, "-", "2/2", "2/2", IfCounters},
	{1232, "-", "2/2", "2/2", IfCounters},
	{1233, "-", "2/2", "2/2", IfCounters},
}

// correctionSumRules are the content of 1145, 1146, 1232 and 1233.
var correctionSumRules = []Rule{
	{1135, "-", "2/2", "2/2", IfCounters},
	{1136, "-", "2/2", "2/2", IfCounters},
	{1138, "-", "2/2", "2/2", IfCounters},
	{1218, "-", "2/2", "2/2", IfCounters},
	{1219, "-", "2/2", "2/2", IfCounters},
	{1220, "-", "2/2", "2/2", IfCounters},
	{1201, "-", "2/2", "2/2", IfCounters},
}

// productCodeRules are the content of 1163: one of them.
var productCodeRules = []Rule{
	{1300, "-", "-", "3/3", Plainly},
	{1301, "-", "-", "3/3", Plainly},
	{1302, "-", "-", "3/3", Plainly},
	{1303, "-", "-", "3/3", Plainly},
	{1304, "-", "-", "3/3", Plainly},
	{1305, "-", "-", "3/3", Plainly},
	{1306, "-", "-", "3/3", Plainly},
	{1307, "-", "-", "3/3", Plainly},
	{1308, "-", "-", "3/3", Plainly},
	{1309, "-", "-", "3/3", Plainly},
	{1320, "-", "-", "3/3", Plainly},
	{1321, "-", "-", "3/3", Plainly},
	{1322, "-", "-", "3/3", Plainly},
	{1323, "-", "-", "3/3", Plainly},
	{1324, "-", "-", "3/3", Plainly},
	{1325, "-", "-", "3/3", Plainly},
}

// messageRules are the content of 1068.
var messageRules = []Rule{
	{1022, "./1", "-", "-", Always},
}

// fractionRules are the content of 1291.
var fractionRules = []Rule{
	{1292, "-", "-", "1/.", Always},
	{1293, "-", "-", "./1", Always},
	{1294, "-", "-", "./1", Always},
}
