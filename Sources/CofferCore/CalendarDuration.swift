/// A duration in the calendar's units: years, months, weeks and days (ISO 8601 section 5.5.2), such as `P18M` or `P1Y6M10D`.
///
/// Months and years have no fixed length, so such a duration is added to a moment, never counted in seconds.
package struct CalendarDuration: Hashable, Sendable {
    /// The text as it was given, in upper case.
    package let text: String
    package let months: Int64
    package let days: Int64

    /// The largest number of a unit, so that no sum overflows: some ten thousand years in days.
    private static let limit: Int64 = 3_650_000

    /// A number of months, at most some ten thousand years of them.
    package init(months: Int64) {
        self.months = min(max(0, months), Self.limit)
        days = 0
        text = "P\(self.months)M"
    }

    /// - Returns: nil unless `text` is `P` and at least one of years, months, weeks and days, in this order, each a whole number. Units of
    ///   a day are not for keys and certificates, and are refused.
    package init?(_ text: String) {
        let upper = Array(text.utf8).map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? $0 - 32 : $0 }
        guard (3...32).contains(upper.count), upper.first == UInt8(ascii: "P") else { return nil }
        var units = Array("YMWD".utf8)[...]
        var months: Int64 = 0
        var days: Int64 = 0
        var number: Int64?
        for byte in upper.dropFirst() {
            if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                let next = (number ?? 0) * 10 + Int64(byte - UInt8(ascii: "0"))
                guard next <= Self.limit else { return nil }
                number = next
                continue
            }
            guard let count = number, let place = units.firstIndex(of: byte) else { return nil }
            switch byte {
            case UInt8(ascii: "Y"): months += count * 12
            case UInt8(ascii: "M"): months += count
            case UInt8(ascii: "W"): days += count * 7
            default: days += count
            }
            units = units[(place + 1)...]
            number = nil
        }
        guard number == nil else { return nil }
        self.text = String(decoding: upper, as: UTF8.self)
        self.months = months
        self.days = days
    }

    /// The fewest days that it can last, wherever in the calendar it begins: a month counts 28, a year 365.
    package var shortestDays: Int64 { months / 12 * 365 + months % 12 * 28 + days }
}

extension Timestamp {
    /// The moment `duration` later at the same time of day in UTC: first the months, then the days.
    package func adding(_ duration: CalendarDuration) -> Timestamp { moved(by: duration, sign: 1) }

    /// The moment `duration` earlier at the same time of day in UTC.
    package func subtracting(_ duration: CalendarDuration) -> Timestamp { moved(by: duration, sign: -1) }

    private func moved(by duration: CalendarDuration, sign: Int64) -> Timestamp {
        // Years 1 to 9999 and what is near them; beyond, arithmetic of days would have to be checked at each step.
        guard (-62_135_596_800...253_402_300_799).contains(seconds) else { return self }
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let timeOfDay = milliseconds - days * 86_400_000
        let date = CivilDate(daysSince1970: days).adding(months: sign * duration.months)
        return Timestamp(milliseconds: (date.daysSince1970 + sign * duration.days) * 86_400_000 + timeOfDay)
    }
}

extension CalendarDuration: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let duration = CalendarDuration(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a duration such as P90D")
        }
        self = duration
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
