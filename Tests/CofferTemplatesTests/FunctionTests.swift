import CofferModel
import CofferTemplates
import Testing

/// Every function against results that Azure's reference of template functions tells of, or that follow from its words.
@Suite struct FunctionTests {
    @Test(arguments: [
        ("concat('prefix', '-', 'x')", "'prefix-x'"), ("concat(createArray('1','2'), createArray('3'))", "['1','2','3']"),
        ("contains('OneTwoThree', 'e')", "true"), ("contains('OneTwoThree', 'z')", "false"), ("contains(createObject('one','a'), 'ONE')", "true"),
        ("contains(createArray('one','two'), 'two')", "true"), ("empty('')", "true"), ("empty(createArray())", "true"), ("empty(json('{}'))", "true"),
        ("empty(null())", "true"), ("endsWith('abcdef', 'DEF')", "true"), ("startsWith('abcdef', 'AB')", "true"), ("first('One Two')", "'O'"),
        ("first(createArray('one','two'))", "'one'"), ("last('One Two')", "'o'"), ("last(createArray(1,2))", "2"), ("first(createArray())", "null"),
        ("indexOf('abcdef', 'CD')", "2"), ("indexOf('abcdef', 'z')", "-1"), ("lastIndexOf('test', 't')", "3"), ("indexOf(createArray('a','b'), 'b')", "1"),
        ("length('One Two Three')", "13"), ("length(createArray(1,2,3))", "3"), ("length(createObject('a',1,'b',2))", "2"),
        ("padLeft('123', 10, '0')", "'0000000123'"), ("padLeft(5, 3)", "'  5'"), ("replace('123-123-1234', '-', '')", "'1231231234'"),
        ("skip('one two three', 4)", "'two three'"), ("skip(createArray('one','two','three'), 2)", "['three']"), ("take('one two', 3)", "'one'"),
        ("take(createArray(1,2,3), 5)", "[1,2,3]"), ("split('one,two,three', ',')", "['one','two','three']"),
        ("split('one;two,three', createArray(',', ';'))", "['one','two','three']"), ("substring('one two three', 4, 3)", "'two'"),
        ("substring('abc', 3)", "''"), ("toLower('One')", "'one'"), ("toUpper('One')", "'ONE'"), ("trim('  one two ')", "'one two'"),
        ("string(5)", "'5'"), ("string(true())", "'True'"), ("string(createArray('a',1))", "'[\\\"a\\\",1]'"), ("string('x')", "'x'"),
        ("join(createArray('one','two'), ', ')", "'one, two'"), ("format('{0}, {1}. Number: {2:N0}', 'Hello', 'User', 8175133)", "'Hello, User. Number: 8,175,133'"),
        ("format('{0:D3}-{1:X2}-{{x}}', 7, 255)", "'007-FF-{x}'"), ("format('{0,5}|{0,-5}|', 'ab')", "'   ab|ab   |'"), ("format('{0:F2}', 3)", "'3.00'"),
        ("base64('one, two, three')", "'b25lLCB0d28sIHRocmVl'"), ("base64ToString('b25lLCB0d28sIHRocmVl')", "'one, two, three'"),
        ("base64ToJson(base64('{''one'': ''a''}')).one", "'a'"), ("json('{\"a\":[1]}').a[0]", "1"), ("dataUri('Hello')", "'data:text/plain;charset=utf8;base64,SGVsbG8='"),
        ("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", "'Hello, World!'"),
        ("uri('http://contoso.org/firstpath', 'myscript.sh')", "'http://contoso.org/myscript.sh'"),
        ("uri('http://contoso.org/firstpath/', 'myscript.sh')", "'http://contoso.org/firstpath/myscript.sh'"),
        ("uri('http://contoso.org', 'a')", "'http://contoso.org/a'"),
        ("uriComponent('http://contoso.com/resources/nested/azuredeploy.json')", "'http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json'"),
        ("uriComponentToString('a%20b%2F')", "'a b/'"),
    ])
    func strings(_ expression: String, _ expected: String) throws { try check(expression, expected) }

    @Test(arguments: [
        ("array(1)", "[1]"), ("array(createArray(1))", "[1]"), ("createArray()", "[]"), ("range(5, 3)", "[5,6,7]"), ("range(0, 0)", "[]"),
        ("union(createArray('one','two'), createArray('two','three'))", "['one','two','three']"),
        ("union(createObject('one','a','two','b'), createObject('two','c'))", "{one:'a',two:'c'}"),
        ("union(json('{a:{x:1,y:2}}'), json('{a:{y:3}}'))", "{a:{x:1,y:3}}"), ("intersection(createArray(1,2,3), createArray(3,1))", "[1,3]"),
        ("intersection(json('{a:1,b:2}'), json('{a:1,b:3}'))", "{a:1}"), ("flatten(createArray(createArray(1,2), createArray(3)))", "[1,2,3]"),
        ("items(createObject('b', 1, 'a', 2))", "[{key:'a',value:2},{key:'b',value:1}]"), ("objectKeys(json('{b:1,a:2}'))", "['a','b']"),
        ("shallowMerge(createArray(json('{a:{x:1}}'), json('{a:{y:2}}')))", "{a:{y:2}}"), ("tryGet(json('{a:{b:[1,2]}}'), 'a', 'b', 1)", "2"),
        ("tryGet(json('{a:1}'), 'b', 'c')", "null"), ("indexFromEnd(createArray(1,2,3), 1)", "3"), ("tryIndexFromEnd(createArray(1), 2)", "null"),
        ("createObject('a', createObject('b', true())).a.b", "true"), ("createArray('x','y')[1]", "'y'"), ("json('{\"A\":1}').a", "1"),
        ("json('{a:{b:2}}')['a']['B']", "2"),
    ])
    func arraysAndObjects(_ expression: String, _ expected: String) throws { try check(expression, expected) }

    @Test(arguments: [
        ("add(5, 3)", "8"), ("sub(7, 3)", "4"), ("mul(5, 3)", "15"), ("div(8, 3)", "2"), ("mod(7, 3)", "1"), ("min(0,3,2)", "0"), ("max(createArray(0,3,2))", "3"),
        ("int('4')", "4"), ("int(-4)", "-4"), ("float('3.5')", "3.5"), ("equals(1, 1)", "true"), ("equals('a', 'A')", "false"),
        ("equals(json('{a:1}'), createObject('a', 1))", "true"), ("less(1, 2)", "true"), ("less('a', 'b')", "true"), ("lessOrEquals(2, 2)", "true"),
        ("greater(3, 2)", "true"), ("greaterOrEquals('b', 'a')", "true"), ("and(true(), bool('true'), false())", "false"), ("or(false(), bool(1))", "true"),
        ("not(false())", "true"), ("if(true(), 'yes', reference('x').boom.boom)", "'yes'"), ("and(false(), bool('no boolean'))", "false"),
        ("or(true(), bool('no boolean'))", "true"), ("coalesce(null(), null(), 'c')", "'c'"), ("coalesce(null())", "null"), ("bool('FALSE')", "false"),
    ])
    func numbersAndLogic(_ expression: String, _ expected: String) throws { try check(expression, expected) }

    @Test(arguments: [
        ("map(createArray('a','b'), lambda('x', concat(lambdaVariables('x'), '!')))", "['a!','b!']"),
        ("map(createArray('a','b'), lambda('x', 'i', add(lambdaVariables('i'), 10)))", "[10,11]"),
        ("filter(range(0, 6), lambda('n', equals(mod(lambdaVariables('n'), 2), 0)))", "[0,2,4]"),
        ("reduce(range(1, 4), 0, lambda('sum', 'n', add(lambdaVariables('sum'), lambdaVariables('n'))))", "10"),
        ("sort(createArray(3,1,2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))", "[1,2,3]"),
        ("toObject(createArray('a','b'), lambda('x', lambdaVariables('x')), lambda('x', toUpper(lambdaVariables('x'))))", "{a:'A',b:'B'}"),
        ("groupBy(createArray('aa','b','cc'), lambda('x', string(length(lambdaVariables('x')))))", "{'1':['b'],'2':['aa','cc']}"),
        ("mapValues(json('{a:1}'), lambda('v', add(lambdaVariables('v'), 1)))", "{a:2}"),
        ("map(range(0,2), lambda('x', map(range(0,2), lambda('y', add(mul(lambdaVariables('x'), 2), lambdaVariables('y'))))))", "[[0,1],[2,3]]"),
    ])
    func lambdas(_ expression: String, _ expected: String) throws { try check(expression, expected) }

    @Test(arguments: [
        ("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y', 'yyyy-MM-ddTHH:mm:ssZ')", "'2023-04-07T14:53:14Z'"),
        ("dateTimeAdd('2020-04-07T14:53:14Z', '-P9D', 'u')", "'2020-03-29 14:53:14Z'"), ("dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H', 's')", "'2020-04-07T15:53:14'"),
        ("dateTimeAdd('2020-01-31T00:00:00Z', 'P1M')", "'2020-02-29T00:00:00Z'"), ("dateTimeAdd('2026-02-28', 'P1D', 'dddd, dd MMM yy')", "'Sunday, 01 Mar 26'"),
        ("dateTimeToEpoch('2023-05-02T15:16:13Z')", "1683040573"), ("dateTimeFromEpoch(1683040573)", "'2023-05-02T15:16:13Z'"),
        ("dateTimeToEpoch('2023-05-02T17:16:13+02:00')", "1683040573"), ("dateTimeAdd('2020-04-07 23:53:14Z', 'PT10M', 'h:mm tt')", "'12:03 AM'"),
    ])
    func dates(_ expression: String, _ expected: String) throws { try check(expression, expected) }

    @Test(arguments: [
        ("parseCidr('10.144.0.0/20').lastUsable", "'10.144.15.254'"), ("parseCidr('10.144.0.0/20').netmask", "'255.255.240.0'"),
        ("parseCidr('10.144.0.0/20').broadcast", "'10.144.15.255'"), ("cidrSubnet('10.144.0.0/20', 24, 0)", "'10.144.0.0/24'"),
        ("cidrSubnet('10.144.0.0/20', 24, 4)", "'10.144.4.0/24'"), ("cidrHost('10.144.3.0/24', 0)", "'10.144.3.1'"),
        ("cidrHost('10.144.3.0/24', 253)", "'10.144.3.254'"), ("cidrSubnet('0.0.0.0/0', 32, 1)", "'0.0.0.1/32'"),
    ])
    func networks(_ expression: String, _ expected: String) throws { try check(expression, expected) }

    @Test(arguments: [
        ("resourceId('Microsoft.KeyVault/vaults', 'kv')", "/subscriptions/S/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv"),
        ("resourceId('rg2', 'Microsoft.KeyVault/vaults/keys', 'kv', 'k')", "/subscriptions/S/resourceGroups/rg2/providers/Microsoft.KeyVault/vaults/kv/keys/k"),
        ("resourceId('22222222-2222-3333-4444-555555555555', 'rg2', 'A.B/c', 'd')", "/subscriptions/22222222-2222-3333-4444-555555555555/resourceGroups/rg2/providers/A.B/c/d"),
        ("subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')", "/subscriptions/S/providers/Microsoft.Authorization/roleDefinitions/r"),
        ("tenantResourceId('Microsoft.Authorization/roleDefinitions', 'r')", "/providers/Microsoft.Authorization/roleDefinitions/r"),
        ("providers('Microsoft.Compute', 'virtualMachineScaleSets').apiVersions[0]", "2024-07-01"),
        ("extensionResourceId(resourceId('A.B/c','d'), 'Microsoft.Authorization/locks', 'l')", "/subscriptions/S/resourceGroups/rg1/providers/A.B/c/d/providers/Microsoft.Authorization/locks/l"),
        ("resourceGroup().id", "/subscriptions/S/resourceGroups/rg1"), ("subscription().subscriptionId", "S"), ("deployment().name", "d1"),
        ("environment().suffixes.keyvaultDns", ".vault.localhost:8443"), ("deployer().objectId", "o1"), ("tenant().tenantId", Samples.tenant),
        ("reference('some').asked", "some"), ("listKeys('x', '2020-01-01').asked", "listKeys"), ("references('loop')[0].asked", "loop"),
    ])
    func resources(_ expression: String, _ expected: String) throws {
        #expect(try Samples.value(expression) == .string(expected.replacing("/subscriptions/S", with: "/subscriptions/\(Samples.subscription)").replacing("S", with: expected == "S" ? Samples.subscription : "S")))
    }

    /// The first is what Azure gives, as the tests of its provider for Terraform have it; guid is a UUID of version 5 (RFC 9562), computed by Python.
    @Test func hashesAreAzures() throws {
        #expect(try Samples.value("uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000', 'resource-id')") == "cwvxuqg24sifi")
        #expect(try Samples.value("length(uniqueString('x'))") == 13)
        #expect(try Samples.value("guid('a', 'b', 'c')") == "a98fa280-e03f-5afa-8d8e-92d0a9c201e8")
    }

    @Test func randomAndTimeAreForDefaultsAlone() throws {
        for function in ["newGuid()", "utcNow()"] {
            #expect(Samples.failure { _ = try Samples.value(function) }?.message.contains("not expected at this location") == true)
        }
        let sections = "parameters: { id: { type: 'string', defaultValue: '[newGuid()]' }, at: { type: 'string', defaultValue: '[utcNow()]' } }, resources: []"
        #expect(try Samples.value("length(parameters('id'))", sections) == 36)
        #expect(try Samples.value("parameters('at')", sections) == "20260101T000000Z")
    }

    @Test(arguments: [
        ("substring('abc', 2, 5)", "not inside"), ("div(1, 0)", "divides by zero"), ("add(9223372036854775807, 1)", "64 bits"), ("int('x')", "no integer"),
        ("concat('a', createArray())", "arrays alone"), ("nothing('a')", "'nothing' is not known"), ("a.b('x')", "'a.b' is not known"), ("toLower(5)", "must be a string"),
        ("json('{')", "no JSON"), ("first(5)", "must be an array"), ("createObject('a')", "pairs"), ("padLeft('a', 100000)", "10000"), ("range(0, 10001)", "10000"),
        ("createArray(1)[1]", "outside"), ("json('{\"a\":1}').b", "does not exist"), ("toLower('a', 'b')", "takes 1 arguments"), ("format('{1}', 'a')", "not there"),
        ("cidrHost('10.0.0.0/30', 5)", "no such host"), ("parseCidr('fe80::/10')", "IPv4"), ("pickZones('a','b','c')", "not supported"), ("fail('stop here')", "stop here"),
        ("map(createArray(1), 'x')", "lambda"), ("lambdaVariables('x')", "no lambda"), ("resourceId('A.B/c')", "takes 2 or more"), ("resourceId('A.B/c/d', 'x')", "takes 2 names"),
        ("resourceId('x', 'y')", "resource type"), ("copyIndex()", "not expected"), ("parameters('x')", "is not found"), ("variables('x')", "is not found"),
        ("dateTimeAdd('x', 'P1D')", "no time"), ("dateTimeAdd('2020-01-01', '1 day')", "no duration"), ("concat('a'", "closing parenthesis"), ("'a", "closing quotation mark"),
        ("concat('a') b", "something follows"), ("base64ToString('%')", "base 64"), ("min(createArray())", "empty"), ("mod(-9223372036854775808, -1)", "64 bits"),
    ])
    func whatIsWrongIsToldByName(_ expression: String, _ part: String) {
        let failure = Samples.failure { _ = try Samples.value(expression) }
        #expect(failure?.message.contains(part) == true, "\(failure?.message ?? "no failure")")
    }

    private func check(_ expression: String, _ expected: String) throws {
        let value = try Samples.value(expression)
        #expect(value == (try Samples.json(expected)))
    }
}
