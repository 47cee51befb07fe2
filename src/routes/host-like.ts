/**
 * Top-level domains that people and mail clients know: any two letters, as linkify-it takes them, and
 * generic ones that are in wide use or often used for spam. It need not be complete: emails break up
 * whatever else reads as a link (emails/text.ts). Those that are common surnames are left out.
 */
const TOP_LEVEL_DOMAINS = [
  '[a-z]{2}',
  'xn--[a-z0-9-]+',
  'com|net|org|info|biz|edu|gov|mil|int|arpa|aero|asia|cat|coop|jobs|mobi|museum|name|post|pro|tel|travel|xxx',
  'academy|accountant|agency|app|art|associates|audio|autos|bank|bar|beauty|berlin|best|bet|bid|bio|blog|boats',
  'bond|build|business|buzz|cafe|cam|capital|care|casa|casino|center|cfd|chat|church|city|click|cloud|club',
  'coach|codes|coffee|community|company|computer|consulting|contact|cool|cricket|cyou|date|deals|delivery',
  'design|dev|digital|direct|directory|domains|download|earth|eco|education|email|energy|engineering|events',
  'exchange|expert|express|fail|faith|family|fans|farm|fashion|finance|financial|fit|food|foundation|fun|fund',
  'fyi|gallery|game|games|gay|gift|global|gmbh|group|guide|guru|hair|haus|health|help|homes|host|hosting|icu',
  'immo|inc|ink|institute|insurance|international|kitchen|land|lat|legal|lgbt|life|link|live|llc|loan|loans',
  'lol|london|ltd|luxe|makeup|management|market|marketing|mba|media|men|mobile|mom|money|monster|mov|movie',
  'network|new|news|ngo|ninja|nyc|observer|one|onl|online|ooo|page|paris|partners|party|pay|photo|photos|pics',
  'pink|pizza|plus|poker|porn|press|property|pub|quest|racing|realty|red|ren|rent|repair|report|rest|review',
  'reviews|rip|rocks|run|sale|sbs|school|science|secure|security|services|sex|shop|shopping|show|site|skin',
  'social|software|solutions|space|storage|store|stream|studio|style|support|surf|systems|tax|team|tech',
  'technology|tickets|tips|today|tokyo|tools|top|tours|town|trade|trading|training|trust|university|vacations',
  'ventures|video|vin|vip|vision|vote|watch|webcam|website|wien|wiki|win|wine|work|works|world|wtf|xyz',
  'yachts|yoga|zip|zone',
  'рф|рус|бел|укр|срб|қаз|ею|бг|мкд|мон|москва|онлайн|сайт|орг|ком|дети|ελ|ευ|հայ|ישראל|გე',
  '中国|中國|中文网|公司|网络|网址|网店|网站|在线|商城|商标|商店|我爱你|移动|手机|集团|香港|台湾|台灣|新加坡|澳門|世界',
  'みんな|コム|ストア|한국|닷컴|닷넷|ไทย|คอม|भारत|संगठन|ভারত|বাংলা|இந்தியா|இலங்கை|ලංකා',
  'امارات|ایران|السعودية|مصر|المغرب|الجزائر|تونس|عراق|قطر|عمان|فلسطين|پاکستان|شبكة|موقع|كوم|بازار',
].join('|')

const HOST = new RegExp(`^www\\.|\\.(?:${TOP_LEVEL_DOMAINS})$|^\\d+(?:\\.\\d+){3}$`, 'iu')

/** Whether a mail client may take a name for a web address, and make a link of it. */
export const readsAsHost = (name: string) => HOST.test(name)
