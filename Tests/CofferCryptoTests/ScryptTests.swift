import CofferCore
import CofferCrypto
import Testing

@Suite struct ScryptTests {
    private static func derive(_ password: String, _ salt: String, _ cost: Scrypt.Cost, _ count: Int = 64) throws -> [UInt8] {
        try Scrypt.deriveKey(from: SecretBytes(Array(password.utf8)), salt: Array(salt.utf8), cost: cost, count: count).revealed
    }

    /// RFC 7914 section 12.
    @Test(arguments: [
        ("password", "NaCl", Scrypt.Cost(cost: 1024, blockSize: 8, parallelism: 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"),
        ("pleaseletmein", "SodiumChloride", Scrypt.Cost(cost: 16384, blockSize: 8, parallelism: 1),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"),
    ])
    func standardVectorIsMet(password: String, salt: String, cost: Scrypt.Cost, key: String) throws {
        #expect(try Self.derive(password, salt, cost) == hex(key))
    }

    @Test func anotherSaltOrPasswordGivesAnotherKey() throws {
        let cost = Scrypt.Cost(cost: 16, blockSize: 8, parallelism: 1)
        let keys = try [("a", "s"), ("b", "s"), ("a", "t"), ("", "s")].map { try Self.derive($0, $1, cost, 32) }
        #expect(Set(keys).count == 4)
    }

    @Test(arguments: [
        Scrypt.Cost(cost: 0, blockSize: 8, parallelism: 1), Scrypt.Cost(cost: 1, blockSize: 8, parallelism: 1),
        Scrypt.Cost(cost: 1000, blockSize: 8, parallelism: 1), Scrypt.Cost(cost: 1 << 40, blockSize: 8, parallelism: 1),
        Scrypt.Cost(cost: 16, blockSize: 0, parallelism: 1), Scrypt.Cost(cost: 16, blockSize: 8, parallelism: 0),
        Scrypt.Cost(cost: 16, blockSize: .max, parallelism: 1), Scrypt.Cost(cost: 16, blockSize: 8, parallelism: .max),
    ])
    func aCostThatIsNoneOrTooHighIsRefused(cost: Scrypt.Cost) {
        #expect(throws: CryptoError.invalidLength) { _ = try Self.derive("a", "b", cost) }
    }
}
