import CofferCore
import CofferCrypto
import Testing

@Suite struct AESKeyWrapTests {
    struct Vector: Sendable {
        let section: String
        let wrappingLength: Int
        let key, wrapped: String
    }

    /// RFC 3394 section 4; the wrapping key counts from 0.
    private static let vectors = [
        Vector(
            section: "4.1", wrappingLength: 16, key: "00112233445566778899AABBCCDDEEFF",
            wrapped: "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"),
        Vector(
            section: "4.2", wrappingLength: 24, key: "00112233445566778899AABBCCDDEEFF",
            wrapped: "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D"),
        Vector(
            section: "4.3", wrappingLength: 32, key: "00112233445566778899AABBCCDDEEFF",
            wrapped: "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"),
        Vector(
            section: "4.4", wrappingLength: 24, key: "00112233445566778899AABBCCDDEEFF0001020304050607",
            wrapped: "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2"),
        Vector(
            section: "4.5", wrappingLength: 32, key: "00112233445566778899AABBCCDDEEFF0001020304050607",
            wrapped: "A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1"),
        Vector(
            section: "4.6", wrappingLength: 32, key: "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
            wrapped: "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"),
    ]

    @Test(arguments: vectors)
    func standardVectorIsMet(vector: Vector) throws {
        let wrapping = SecretBytes((0..<vector.wrappingLength).map { UInt8($0) })
        #expect(try AESKeyWrap.wrap(SecretBytes(hex(vector.key)), with: wrapping) == hex(vector.wrapped))
        #expect(try AESKeyWrap.unwrap(hex(vector.wrapped), with: wrapping).revealed == hex(vector.key))
    }

    /// RFC 5649 section 6.
    @Test(arguments: [
        ("c37b7e6492584340bed12207808941155068f738", "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"),
        ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
    ])
    func standardVectorOfPaddedWrapIsMet(key: String, wrapped: String) throws {
        let wrapping = SecretBytes(hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"))
        #expect(try AESKeyWrap.wrap(SecretBytes(hex(key)), with: wrapping, form: .padded) == hex(wrapped))
        #expect(try AESKeyWrap.unwrap(hex(wrapped), with: wrapping, form: .padded).revealed == hex(key))
        #expect(refusal { _ = try AESKeyWrap.unwrap(hex(wrapped), with: wrapping) } == .authenticationFailed)
        #expect(refusal { _ = try AESKeyWrap.wrap(SecretBytes([]), with: wrapping, form: .padded) } == .invalidLength)
    }

    @Test func dataKeyOfADiskComesBack() throws {
        let wrapping = SecureRandom.secret(32)
        let key = SecureRandom.secret(64)
        let wrapped = try AESKeyWrap.wrap(key, with: wrapping)
        #expect(wrapped.count == 72)
        #expect(try AESKeyWrap.unwrap(wrapped, with: wrapping).constantTimeEquals(key))
    }

    @Test func anyChangedByteIsRefused() throws {
        let wrapping = SecureRandom.secret(32)
        let wrapped = try AESKeyWrap.wrap(SecureRandom.secret(32), with: wrapping)
        for index in wrapped.indices {
            var changed = wrapped
            changed[index] ^= 0x80
            #expect(refusal { _ = try AESKeyWrap.unwrap(changed, with: wrapping) } == .authenticationFailed)
        }
        for count in 0..<wrapped.count {
            #expect(refusal { _ = try AESKeyWrap.unwrap(Array(wrapped[..<count]), with: wrapping) } == .authenticationFailed)
        }
        #expect(refusal { _ = try AESKeyWrap.unwrap(wrapped, with: SecureRandom.secret(32)) } == .authenticationFailed)
    }

    @Test(arguments: [0, 8, 15, 17, 33])
    func keyThatCannotBeWrappedIsRefused(count: Int) {
        let wrapping = SecureRandom.secret(32)
        #expect(refusal { _ = try AESKeyWrap.wrap(SecureRandom.secret(count), with: wrapping) } == .invalidLength)
    }

    @Test(arguments: [0, 8, 20, 64])
    func wrappingKeyOfAnotherLengthIsRefused(count: Int) {
        let wrapping = SecureRandom.secret(count)
        #expect(refusal { _ = try AESKeyWrap.wrap(SecureRandom.secret(32), with: wrapping) } == .invalidKey)
        #expect(refusal { _ = try AESKeyWrap.unwrap([UInt8](repeating: 0, count: 40), with: wrapping) } == .invalidKey)
    }
}
