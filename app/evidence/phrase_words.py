"""Words that phrases are drawn from: short, concrete, spelt in one way, far apart in sound, fit for anybody to say."""

ENGLISH = """
apple anchor basket beach bridge butter button candle carpet castle cherry circle cloud corner
cotton cousin daisy desert dinner doctor dolphin dragon eagle engine family farmer feather finger
flower forest garden ginger guitar hammer harbour helmet hotel island jacket jungle kettle kitchen
ladder lantern lemon letter marble market meadow melon mirror monkey morning mountain needle ocean
orange paper pencil pepper picture pillow planet pocket potato rabbit ribbon river rocket saddle
salad school shadow silver spider spring summer sunset table tiger timber tomato tower train tunnel
turtle umbrella valley velvet village violet wagon walnut water weather window winter yellow
"""
ARABIC = """
شمس قمر بحر نهر جبل مطر زهرة شجرة حديقة مدرسة كتاب قلم ورقة نافذة مفتاح طاولة كرسي مصباح ساعة مرآة
سيارة قطار سفينة طائرة دراجة جسر طريق مدينة قرية سوق مطبخ ملعقة صحن سكر ملح خبز حليب عسل تفاح ليمون
برتقال عنب بطيخ رمان تمر زيتون جزر بصل سمكة عصفور حمامة أرنب حصان غزال أسد نمر فيل جمل خروف دجاجة
فراشة نحلة نجمة سماء غيمة ربيع صيف خريف شتاء صباح مساء أبيض أخضر أزرق أصفر أحمر قميص حذاء معطف حقيبة
خاتم صندوق حبل مطرقة رسالة صورة لوحة موسيقى قصيدة طبيب معلم فلاح نجار صياد
"""
WORDS = {"en": ENGLISH.split(), "ar": ARABIC.split()}
