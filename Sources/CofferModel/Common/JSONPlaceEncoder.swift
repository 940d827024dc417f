/// Encodes one value into its place.
struct JSONPlaceEncoder: Encoder {
    let place: JSONPlace
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// What `value` is encoded to.
    static func part(_ value: some Encodable) throws -> JSONPart {
        let place = JSONPlace()
        try value.encode(to: JSONPlaceEncoder(place: place, codingPath: []))
        return place.part
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        let members: JSONMembers
        if case .object(let known) = place.part {
            members = known
        } else {
            members = JSONMembers()
            place.part = .object(members)
        }
        return KeyedEncodingContainer(JSONKeyedContainer(members: members, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        let elements: JSONElements
        if case .array(let known) = place.part {
            elements = known
        } else {
            elements = JSONElements()
            place.part = .array(elements)
        }
        return JSONUnkeyedContainer(elements: elements, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

extension JSONPlaceEncoder: SingleValueEncodingContainer {
    func encodeNil() { place.part = .null }
    func encode(_ value: Bool) { place.part = .bool(value) }
    func encode(_ value: String) { place.part = .string(value) }
    func encode(_ value: Double) { place.part = .double(value) }
    func encode(_ value: Float) { place.part = .float(value) }
    func encode(_ value: Int) { place.part = .int(Int64(value)) }
    func encode(_ value: Int8) { place.part = .int(Int64(value)) }
    func encode(_ value: Int16) { place.part = .int(Int64(value)) }
    func encode(_ value: Int32) { place.part = .int(Int64(value)) }
    func encode(_ value: Int64) { place.part = .int(value) }
    func encode(_ value: UInt) { place.part = .uint(UInt64(value)) }
    func encode(_ value: UInt8) { place.part = .uint(UInt64(value)) }
    func encode(_ value: UInt16) { place.part = .uint(UInt64(value)) }
    func encode(_ value: UInt32) { place.part = .uint(UInt64(value)) }
    func encode(_ value: UInt64) { place.part = .uint(value) }
    func encode(_ value: some Encodable) throws { try value.encode(to: self) }
}

/// The members of an object.
struct JSONKeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let members: JSONMembers
    let codingPath: [any CodingKey]

    func encodeNil(forKey key: Key) { members.set(key.stringValue, .null) }
    func encode(_ value: Bool, forKey key: Key) { members.set(key.stringValue, .bool(value)) }
    func encode(_ value: String, forKey key: Key) { members.set(key.stringValue, .string(value)) }
    func encode(_ value: Double, forKey key: Key) { members.set(key.stringValue, .double(value)) }
    func encode(_ value: Float, forKey key: Key) { members.set(key.stringValue, .float(value)) }
    func encode(_ value: Int, forKey key: Key) { members.set(key.stringValue, .int(Int64(value))) }
    func encode(_ value: Int8, forKey key: Key) { members.set(key.stringValue, .int(Int64(value))) }
    func encode(_ value: Int16, forKey key: Key) { members.set(key.stringValue, .int(Int64(value))) }
    func encode(_ value: Int32, forKey key: Key) { members.set(key.stringValue, .int(Int64(value))) }
    func encode(_ value: Int64, forKey key: Key) { members.set(key.stringValue, .int(value)) }
    func encode(_ value: UInt, forKey key: Key) { members.set(key.stringValue, .uint(UInt64(value))) }
    func encode(_ value: UInt8, forKey key: Key) { members.set(key.stringValue, .uint(UInt64(value))) }
    func encode(_ value: UInt16, forKey key: Key) { members.set(key.stringValue, .uint(UInt64(value))) }
    func encode(_ value: UInt32, forKey key: Key) { members.set(key.stringValue, .uint(UInt64(value))) }
    func encode(_ value: UInt64, forKey key: Key) { members.set(key.stringValue, .uint(value)) }
    func encode(_ value: some Encodable, forKey key: Key) throws {
        members.set(key.stringValue, try JSONPlaceEncoder.part(value))
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        let nested = JSONMembers()
        members.set(key.stringValue, .object(nested))
        return KeyedEncodingContainer(JSONKeyedContainer<Nested>(members: nested, codingPath: codingPath + [key]))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        let nested = JSONElements()
        members.set(key.stringValue, .array(nested))
        return JSONUnkeyedContainer(elements: nested, codingPath: codingPath + [key])
    }

    func superEncoder() -> any Encoder { encoder("super") }
    func superEncoder(forKey key: Key) -> any Encoder { encoder(key.stringValue) }

    private func encoder(_ key: String) -> any Encoder {
        let place = JSONPlace()
        members.set(key, .place(place))
        return JSONPlaceEncoder(place: place, codingPath: codingPath)
    }
}

/// The elements of an array.
struct JSONUnkeyedContainer: UnkeyedEncodingContainer {
    let elements: JSONElements
    let codingPath: [any CodingKey]
    var count: Int { elements.parts.count }

    func encodeNil() { elements.parts.append(.null) }
    func encode(_ value: Bool) { elements.parts.append(.bool(value)) }
    func encode(_ value: String) { elements.parts.append(.string(value)) }
    func encode(_ value: Double) { elements.parts.append(.double(value)) }
    func encode(_ value: Float) { elements.parts.append(.float(value)) }
    func encode(_ value: Int) { elements.parts.append(.int(Int64(value))) }
    func encode(_ value: Int8) { elements.parts.append(.int(Int64(value))) }
    func encode(_ value: Int16) { elements.parts.append(.int(Int64(value))) }
    func encode(_ value: Int32) { elements.parts.append(.int(Int64(value))) }
    func encode(_ value: Int64) { elements.parts.append(.int(value)) }
    func encode(_ value: UInt) { elements.parts.append(.uint(UInt64(value))) }
    func encode(_ value: UInt8) { elements.parts.append(.uint(UInt64(value))) }
    func encode(_ value: UInt16) { elements.parts.append(.uint(UInt64(value))) }
    func encode(_ value: UInt32) { elements.parts.append(.uint(UInt64(value))) }
    func encode(_ value: UInt64) { elements.parts.append(.uint(value)) }
    func encode(_ value: some Encodable) throws { elements.parts.append(try JSONPlaceEncoder.part(value)) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        let nested = JSONMembers()
        elements.parts.append(.object(nested))
        return KeyedEncodingContainer(JSONKeyedContainer<Nested>(members: nested, codingPath: codingPath))
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        let nested = JSONElements()
        elements.parts.append(.array(nested))
        return JSONUnkeyedContainer(elements: nested, codingPath: codingPath)
    }

    func superEncoder() -> any Encoder {
        let place = JSONPlace()
        elements.parts.append(.place(place))
        return JSONPlaceEncoder(place: place, codingPath: codingPath)
    }
}
