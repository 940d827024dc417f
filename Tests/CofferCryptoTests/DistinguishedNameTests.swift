@testable import CofferCrypto
import Testing

@Suite struct DistinguishedNameTests {
    @Test(arguments: [
        ("CN=app.example.com", "CN=app.example.com"),
        ("cn = app ; o=\"Contoso, Ltd\",C=GB", "CN=app, O=\"Contoso, Ltd\", C=GB"),
        ("CN=Contoso\\, Ltd", "CN=\"Contoso, Ltd\""),
        ("CN=\"say \"\"hi\"\"\"", "CN=\"say \"\"hi\"\"\""),
        ("CN=Lu\\C4\\8Di\\C4\\87", "CN=Lučić"),
        ("OU=a + CN=b, DC=example", "OU=a + CN=b, DC=example"),
        ("OID.2.5.4.3=x, 1.2.3.4=y", "CN=x, 1.2.3.4=y"),
        ("CN=a\\ ", "CN=\"a \""),
        ("S=Somerset, E=a@b.example", "ST=Somerset, E=a@b.example"),
    ])
    func textIsReadAndWrittenAgain(text: String, written: String) throws {
        let name = try DistinguishedName(text)
        #expect(name.text == written)
        #expect(try DistinguishedName(name.text) == name)
    }

    @Test(arguments: [
        "", "  ", "CN", "CN=", "=x", "CN=a,", "CN=a,,O=b", "XY=a", "CN=\"a", "CN=\"a\" b", "CN=a\"b\"", "CN=a\\", "CN=\\0", "CN=\\00",
        "CN=\\FF", "CN=#0401", "C=GBR", "C=ä1", "1.2.=a", "3.1.2=a", "CN=\(String(repeating: "x", count: 65))",
    ])
    func textThatIsNoNameIsRefusedWithASentence(text: String) {
        let refusal = #expect(throws: DistinguishedNameError.self) { _ = try DistinguishedName(text) }
        #expect(refusal?.reason.hasSuffix(".") == true)
    }

    @Test func encodingRunsFromTheRootDown() throws {
        let name = try DistinguishedName("CN=app, O=Contoso, C=GB")
        #expect(name.relativeNames.map { $0.map(\.value) } == [["GB"], ["Contoso"], ["app"]])
        #expect(name.commonName == "app")
    }
}
