import Testing

@testable import CofferIdentity

@Suite struct ODataFilterTests {
    @Test(arguments: [
        ("a eq 'b'", [ODataFilter.Term.equal(property: "a", value: "b")]),
        ("a eq 'b and c eq d' and E EQ 5", [.equal(property: "a", value: "b and c eq d"), .equal(property: "E", value: "5")]),
        ("a eq 'it''s'", [.equal(property: "a", value: "it's")]),
        ("a eq ''", [.equal(property: "a", value: "")]),
        ("atScope()", [.call(name: "atScope", arguments: [])]),
        ("assignedTo('x') AND atScope( )", [.call(name: "assignedTo", arguments: ["x"]), .call(name: "atScope", arguments: [])]),
        ("startswith(displayName,'a,b')", [.call(name: "startswith", arguments: ["displayName", "a,b"])]),
        ("n/any(c:c eq 'x')", [.any(collection: "n", value: "x")]),
    ])
    func `a filter is read`(text: String, terms: [ODataFilter.Term]) {
        #expect(ODataFilter(text)?.terms == terms)
    }

    @Test(arguments: [
        "", "a", "a eq", "a eq 'b", "a eq b'", "a eq 'b' or c eq 'd'", "eq 'b'", "a eq 'b' and ", "f(", "f('a", "n/any(c eq 'x')",
        "a eq 'b'c'", "a ne 'b'", "é/any(c:c eq 'x')",
    ])
    func `another text is no filter`(text: String) {
        #expect(ODataFilter(text) == nil)
    }

    @Test func `a filter that nests or does not end is no filter`() {
        #expect(ODataFilter(String(repeating: "n/any(c:", count: 400) + "c eq 'x'" + String(repeating: ")", count: 400)) == nil)
        #expect(ODataFilter("a eq '\(String(repeating: "x", count: 5000))'") == nil)
    }
}
