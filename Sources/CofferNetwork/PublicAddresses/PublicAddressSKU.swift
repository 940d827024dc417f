import CofferModel

/// `sku.name` of a public IP address.
enum PublicAddressSKU: String, CaseIterable {
    case basic = "Basic"
    case standard = "Standard"

    /// What is asked for, what there is if nothing is asked for, and Basic for a new one, as Azure has it.
    ///
    /// - Throws: ``APIError`` for other words, and for a change from Standard to Basic.
    init(of record: NetworkRecord, replacing old: NetworkRecord?) throws {
        let before = old.flatMap { Self(stored: $0) }
        guard let asked = record.sku else {
            self = before ?? .basic
            return
        }
        guard let text = asked["name"]?.string, let named = Self.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) else {
            throw APIError.requestFormat("the name of its sku is neither Basic nor Standard", of: record.id, target: "sku")
        }
        guard asked["tier"]?.string.map({ $0.lowercased() == "regional" }) ?? true else { throw APIError.notInThisNetwork("sku.tier", of: record.id) }
        guard before != .standard || named == .standard else { throw APIError.propertyFixed("sku", of: record.id) }
        self = named
    }

    init?(stored record: NetworkRecord) {
        guard let sku = record.sku?["name"]?.string.flatMap(Self.init(rawValue:)) else { return nil }
        self = sku
    }
}
