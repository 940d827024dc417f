import CofferModel

/// How the administrator of a new machine gets in, and what only the guest is handed: `osProfile` as far as it is checked.
///
/// Source: Azure's REST reference of virtual machines, OSProfile and LinuxConfiguration.
struct AdministratorAccess: Sendable, CustomStringConvertible {
    /// In clear, for as long as a request takes.
    let password: String?
    /// In base 64.
    let customData: String?
    let allowsPassword: Bool
    let hasKeys: Bool
    let name: String?

    /// The longest custom data, in bytes of base 64: 65,535 bytes of data.
    private static let longestCustomData = 87_380
    private static let passwordLength = 12...72
    /// What everybody tries first.
    private static let disallowedPasswords: Set<String> = [
        "abc@123", "p@$$w0rd", "p@ssw0rd", "p@ssword123", "pa$$word", "pass@word1", "password!", "password1", "password22", "iloveyou!",
    ]
    private static let disallowedNames: Set<String> = [
        "administrator", "admin", "user", "user1", "test", "user2", "test1", "user3", "admin1", "1", "123", "a", "actuser", "adm", "admin2",
        "aspnet", "backup", "console", "david", "guest", "john", "owner", "root", "server", "sql", "support", "support_388945a0", "sys",
        "test2", "test3", "user4", "user5",
    ]

    /// - Parameter profile: `osProfile`.
    /// - Throws: ``APIError`` if a value by itself cannot be.
    init(_ profile: JSONValue) throws {
        name = profile["adminUsername"]?.string
        password = profile["adminPassword"]?.string
        customData = profile["customData"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let linux = profile["linuxConfiguration"]
        allowsPassword = linux?["disablePasswordAuthentication"]?.bool != true
        hasKeys = linux?["ssh"]?["publicKeys"]?.array?.isEmpty == false
        if let name, Self.disallowedNames.contains(name.lowercased()) {
            throw APIError.invalidParameter("The Admin Username specified is not allowed. Choose another than '\(name)', such as azureuser: --admin-username azureuser", target: "adminUsername")
        }
        if let password { try Self.check(password) }
        if let customData, customData.utf8.count > Self.longestCustomData || !Base64Text.isValid(customData) {
            throw APIError.invalidParameter(
                "Custom data in OSProfile must be in Base64 encoding and with a maximum length of \(Self.longestCustomData) characters.",
                target: "customData")
        }
    }

    /// Checks that a new machine can be entered.
    ///
    /// - Throws: ``APIError``.
    func requireEntry() throws {
        guard allowsPassword else {
            guard hasKeys else {
                throw APIError.invalidParameter(
                    "Authentication using either SSH or by user name and password must be enabled in Linux profile.", target: "linuxConfiguration")
            }
            guard password == nil else {
                throw APIError.invalidParameter(
                    "'adminPassword' is given though 'disablePasswordAuthentication' is true: leave one of them out.", target: "adminPassword")
            }
            return
        }
        guard password != nil || hasKeys else { throw APIError.machineNeeds("adminPassword", "give it, or the public keys of 'ssh'.") }
    }

    private static func check(_ password: String) throws {
        let classes = [
            password.contains(where: \.isUppercase), password.contains(where: \.isLowercase), password.contains(where: \.isNumber),
            password.contains { !$0.isLetter && !$0.isNumber },
        ].count { $0 }
        let hasControl = password.unicodeScalars.contains { $0.properties.generalCategory == .control }
        guard passwordLength.contains(password.utf8.count), classes >= 3, !hasControl else {
            throw APIError.administratorPassword(
                "must be between \(passwordLength.lowerBound)-\(passwordLength.upperBound) characters long and must satisfy at least 3 of password "
                    + "complexity requirements from the following: 1) Contains an uppercase character 2) Contains a lowercase character "
                    + "3) Contains a numeric digit 4) Contains a special character. Control characters are not allowed")
        }
        guard !disallowedPasswords.contains(password.lowercased()) else {
            throw APIError.administratorPassword("is not allowed, as it is one of those that are tried first")
        }
    }

    /// Without what is secret, wherever it is printed.
    var description: String { "access of \(name ?? "nobody")" }
}

/// Text in base 64.
enum Base64Text {
    static func isValid(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=")
            }
        }
    }
}
