package gen

import "strings"

// place is a country or a state with its capital. The facts are public
// knowledge; places whose capital is disputed, shared or named like the place
// are left out, and names are plain ASCII.
type place struct{ name, capital, region string }

var places = readPlaces()

// placeTable holds "region: place/capital, ...", one region to a line.
const placeTable = `Europe: France/Paris, Germany/Berlin, Italy/Rome, Spain/Madrid, Portugal/Lisbon, Greece/Athens, Austria/Vienna, Belgium/Brussels, Denmark/Copenhagen, Sweden/Stockholm, Norway/Oslo, Finland/Helsinki, Iceland/Reykjavik, Ireland/Dublin, England/London, Scotland/Edinburgh, Wales/Cardiff, Poland/Warsaw, Hungary/Budapest, Romania/Bucharest, Bulgaria/Sofia, Serbia/Belgrade, Croatia/Zagreb, Slovenia/Ljubljana, Slovakia/Bratislava, Albania/Tirana, Estonia/Tallinn, Latvia/Riga, Lithuania/Vilnius, Ukraine/Kyiv, Belarus/Minsk, Moldova/Chisinau, Russia/Moscow, Malta/Valletta, Montenegro/Podgorica, Bosnia/Sarajevo, Switzerland/Bern, Liechtenstein/Vaduz
Asia: China/Beijing, Japan/Tokyo, Pakistan/Islamabad, Bangladesh/Dhaka, Nepal/Kathmandu, Bhutan/Thimphu, Mongolia/Ulaanbaatar, South Korea/Seoul, North Korea/Pyongyang, Vietnam/Hanoi, Laos/Vientiane, Thailand/Bangkok, Indonesia/Jakarta, Iran/Tehran, Iraq/Baghdad, Syria/Damascus, Lebanon/Beirut, Jordan/Amman, Oman/Muscat, Qatar/Doha, Bahrain/Manama, Afghanistan/Kabul, Kazakhstan/Astana, Uzbekistan/Tashkent, Turkmenistan/Ashgabat, Tajikistan/Dushanbe, Kyrgyzstan/Bishkek, Saudi Arabia/Riyadh, Myanmar/Naypyidaw, Timor/Dili, Turkey/Ankara, Armenia/Yerevan, Azerbaijan/Baku, Cyprus/Nicosia
Africa: Egypt/Cairo, Libya/Tripoli, Tunisia/Tunis, Algeria/Algiers, Morocco/Rabat, Sudan/Khartoum, Eritrea/Asmara, Somalia/Mogadishu, Kenya/Nairobi, Uganda/Kampala, Rwanda/Kigali, Burundi/Gitega, Tanzania/Dodoma, Zambia/Lusaka, Zimbabwe/Harare, Malawi/Lilongwe, Mozambique/Maputo, Botswana/Gaborone, Namibia/Windhoek, Lesotho/Maseru, Madagascar/Antananarivo, Angola/Luanda, Gabon/Libreville, Cameroon/Yaounde, Chad/Ndjamena, Niger/Niamey, Nigeria/Abuja, Togo/Lome, Ghana/Accra, Liberia/Monrovia, Guinea/Conakry, Senegal/Dakar, Gambia/Banjul, Mali/Bamako, Mauritania/Nouakchott, Sierra Leone/Freetown, Seychelles/Victoria, Comoros/Moroni, South Sudan/Juba
America: Canada/Ottawa, Cuba/Havana, Jamaica/Kingston, Honduras/Tegucigalpa, Nicaragua/Managua, Belize/Belmopan, Colombia/Bogota, Venezuela/Caracas, Guyana/Georgetown, Suriname/Paramaribo, Ecuador/Quito, Peru/Lima, Brazil/Brasilia, Paraguay/Asuncion, Uruguay/Montevideo, Chile/Santiago, Barbados/Bridgetown, Dominica/Roseau, Texas/Austin, Ohio/Columbus, Alaska/Juneau, California/Sacramento, Florida/Tallahassee, Colorado/Denver, Arizona/Phoenix, Idaho/Boise, Oregon/Salem, Montana/Helena, Kansas/Topeka, Maine/Augusta, Vermont/Montpelier, Tennessee/Nashville, Virginia/Richmond, Illinois/Springfield, Michigan/Lansing, Wisconsin/Madison, Indiana/Indianapolis, Alabama/Montgomery, Mississippi/Jackson, Massachusetts/Boston, Delaware/Dover, Nebraska/Lincoln, Wyoming/Cheyenne, Kentucky/Frankfort, Maryland/Annapolis, Connecticut/Hartford
Oceania: Australia/Canberra, New Zealand/Wellington, Fiji/Suva, Samoa/Apia, Tonga/Nukualofa, Tuvalu/Funafuti, Nauru/Yaren, Hawaii/Honolulu, Kiribati/Tarawa`

func readPlaces() []place {
	var out []place
	for _, line := range strings.Split(placeTable, "\n") {
		region, list, _ := strings.Cut(line, ": ")
		for _, entry := range strings.Split(list, ", ") {
			name, capital, _ := strings.Cut(entry, "/")
			out = append(out, place{name, capital, region})
		}
	}
	return out
}
